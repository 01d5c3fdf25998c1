//! The scripts that pgbench runs: a request, as the user who sends it.
//!
//! A request of a user is a transaction with the user's claims and role, as PostgREST sends it:
//!
//! ```sql
//! \set subject random_zipfian(1, 1000, 1.1)
//! begin;
//! select patient_id as patient_id, …, set_config('request.jwt.claims', claims, true), set_config('role', 'authenticated', true)
//!   from guardian_load.patients where number = :subject \gset
//! -- the statements of the request
//! commit;
//! ```
//!
//! Who the user is comes from a table that is made for the load, in the statement that PostgREST needs for the claims
//! anyway: the load has as many round trips as the application.

use std::fmt::Write;

use super::subjects::{self, Subjects};
use crate::request::{Request, Role};

/// How unequal users are: the exponent of Zipf's law, by which the first of 1,000 patients sends one request in six and the
/// first hundred send three in four.
const ZIPF: f64 = 1.1;

/// What makes a session that of a user, until the end of the transaction.
const CLAIMS: [&str; 2] = [
    "set_config('request.jwt.claims', claims, true) as claims",
    "set_config('role', 'authenticated', true) as role",
];

/// Why a request cannot be made a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing gives a value for :{variable} of the request {request}, which a {role} sends")]
pub struct UnknownVariable {
    variable: String,
    request: String,
    role: Role,
}

/// The script of a request.
pub(crate) fn of(request: &Request, subjects: &Subjects) -> Result<String, UnknownVariable> {
    let source = subjects::source(request.role);
    let mut picked = Vec::new();
    for variable in request.variables() {
        let known = source.variables.iter().find(|(name, _)| *name == variable);
        let (name, expression) = known.ok_or_else(|| UnknownVariable {
            variable,
            request: request.name.clone(),
            role: request.role,
        })?;
        picked.push(format!("{expression} as {name}"));
    }
    let is_user = request.role != Role::Owner;
    if is_user {
        picked.extend(CLAIMS.map(str::to_owned));
    }
    let mut script = String::new();
    if !picked.is_empty() {
        let count = subjects.count(request.role);
        // Writing into a text cannot fail.
        let _ = writeln!(script, "\\set subject random_zipfian(1, {count}, {ZIPF})");
    }
    if is_user {
        script.push_str("begin;\n");
    }
    if !picked.is_empty() {
        let (picked, table) = (picked.join(", "), source.table);
        let _ = writeln!(
            script,
            "select {picked} from {table} where number = :subject \\gset"
        );
    }
    script.push_str(&request.statements);
    script.push_str(if is_user { "\ncommit;\n" } else { "\n" });
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(role: &str, parameters: &str, statements: &str) -> Request {
        let text = format!(
            "-- name: test\n-- threshold class: timeline\n-- threshold ms: 100\n-- role: {role}\n\
             -- parameters: {parameters}\n{statements}\n"
        );
        Request::parse("test", &text).unwrap()
    }

    fn subjects() -> Subjects {
        Subjects {
            patients: 1_000,
            grants: 50,
        }
    }

    #[test]
    fn a_user_sends_a_request_in_a_transaction_with_claims_and_role() {
        let script = of(
            &request("provider", "patient_id", "select :patient_id"),
            &subjects(),
        )
        .unwrap();
        assert_eq!(
            script,
            "\\set subject random_zipfian(1, 50, 1.1)\n\
             begin;\n\
             select patient_id as patient_id, set_config('request.jwt.claims', claims, true) as claims, \
             set_config('role', 'authenticated', true) as role from guardian_load.grants where number = :subject \\gset\n\
             select :patient_id;\n\
             commit;\n"
        );
    }

    #[test]
    fn the_application_needs_no_claims() {
        let script = of(&request("owner", "patient_id", "select :patient_id"), &subjects()).unwrap();
        assert_eq!(
            script,
            "\\set subject random_zipfian(1, 1000, 1.1)\n\
             select patient_id as patient_id from guardian_load.patients where number = :subject \\gset\n\
             select :patient_id;\n"
        );
        assert_eq!(
            of(&request("owner", "", "select 1"), &subjects()).unwrap(),
            "select 1;\n"
        );
    }

    #[test]
    fn a_variable_that_nobody_gives_is_named() {
        let error = of(&request("patient", "shoe_size", "select :shoe_size"), &subjects()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "nothing gives a value for :shoe_size of the request test, which a patient sends"
        );
    }

    #[test]
    fn every_request_can_be_made_a_script() {
        for name in Request::names() {
            let request = Request::named(name).unwrap();
            of(&request, &subjects()).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
