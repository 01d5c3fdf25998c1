//! The tables of a manifest as they are written, with the keys Spin knows and no others.
//!
//! Everything here is read by serde; what the tables mean is decided in `resolve.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a manifest")]
pub(crate) struct ManifestTable {
    #[serde(rename = "spin_manifest_version")]
    _version: i64,
    pub(crate) application: ApplicationTable,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, VariableTable>,
    pub(crate) trigger: TriggerTables,
    #[serde(default)]
    pub(crate) component: BTreeMap<String, ComponentTable>,
}

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [application]")]
pub(crate) struct ApplicationTable {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) authors: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: IgnoredList,
    #[serde(default)]
    pub(crate) trigger: ApplicationTriggerTables,
    #[serde(default, rename = "tool")]
    _tool: IgnoredTables,
}

/// `[application.trigger]`: settings for all triggers of a kind. Those of kinds not served here do not matter.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "a table such as [application.trigger.http]")]
pub(crate) struct ApplicationTriggerTables {
    #[serde(default)]
    pub(crate) http: ApplicationHttpTable,
}

/// `[application.trigger.http]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [application.trigger.http]")]
pub(crate) struct ApplicationHttpTable {
    pub(crate) base: Option<String>,
}

/// One entry of `[variables]`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { default = \"value\" } or { required = true }"
)]
pub(crate) struct VariableTable {
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) secret: bool,
}

#[cfg(test)]
impl VariableTable {
    /// A variable with a default, or a required one.
    pub(crate) fn with_default(default: Option<&str>) -> Self {
        Self {
            _description: String::new(),
            required: default.is_none(),
            default: default.map(str::to_owned),
            secret: false,
        }
    }
}

/// `[[trigger.http]]`, `[[trigger.cron]]` and those of kinds not served here.
#[derive(Debug, Deserialize)]
#[serde(expecting = "tables such as [[trigger.http]]")]
pub(crate) struct TriggerTables {
    #[serde(default)]
    pub(crate) http: Vec<HttpTriggerTable>,
    #[serde(default)]
    pub(crate) cron: Vec<CronTriggerTable>,
}

/// `[[trigger.http]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [[trigger.http]]")]
pub(crate) struct HttpTriggerTable {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) component: ComponentReference,
    pub(crate) route: RouteValue,
    pub(crate) executor: Option<ExecutorTable>,
}

/// `[[trigger.cron]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [[trigger.cron]]")]
pub(crate) struct CronTriggerTable {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) component: ComponentReference,
    pub(crate) cron_expression: String,
}

/// `executor = { type = "http" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { type = \"http\" }")]
pub(crate) struct ExecutorTable {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// `[component.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [component.name]")]
pub(crate) struct ComponentTable {
    pub(crate) source: SourceValue,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) files: IgnoredList,
    #[serde(default, rename = "exclude_files")]
    _exclude_files: Vec<String>,
    #[serde(default)]
    pub(crate) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(crate) sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(crate) ai_models: Vec<String>,
    #[serde(default)]
    pub(crate) dependencies: IgnoredTable,
    #[serde(default, rename = "dependencies_inherit_configuration")]
    _dependencies_inherit_configuration: Option<bool>,
    #[serde(default, rename = "targets")]
    _targets: IgnoredList,
    #[serde(rename = "build")]
    _build: Option<BuildTable>,
    #[serde(default, rename = "profile")]
    _profile: BTreeMap<String, ProfileTable>,
    #[serde(default, rename = "tool")]
    _tool: IgnoredTables,
}

/// `[component.NAME.build]`: read so that a misspelt key is found, and then left alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { command = \"make\" }")]
struct BuildTable {
    #[serde(rename = "command")]
    _command: Commands,
    #[serde(default, rename = "workdir")]
    _workdir: String,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

/// `[component.NAME.profile.NAME]`: read so that a misspelt key is found, and then left alone.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as [component.name.profile.debug]"
)]
struct ProfileTable {
    #[serde(rename = "source")]
    _source: Option<SourceValue>,
    #[serde(default, rename = "environment")]
    _environment: BTreeMap<String, String>,
    #[serde(default, rename = "dependencies")]
    _dependencies: IgnoredTable,
    #[serde(rename = "build")]
    _build: Option<ProfileBuildTable>,
}

/// `[component.NAME.profile.NAME.build]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { command = \"make\" }")]
struct ProfileBuildTable {
    #[serde(rename = "command")]
    _command: Commands,
}

/// A command to build with, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a command, or a list of commands")]
enum Commands {
    #[expect(dead_code, reason = "only read so that a value of another kind is refused")]
    One(String),
    #[expect(dead_code, reason = "only read so that a value of another kind is refused")]
    Several(Vec<String>),
}

/// Tables whose content does not matter.
pub(crate) type IgnoredTables = BTreeMap<String, IgnoredTable>;

/// A table whose content does not matter, only whether it has any.
pub(crate) type IgnoredTable = BTreeMap<String, IgnoredAny>;

/// A list whose content does not matter, only whether it has any.
pub(crate) type IgnoredList = Vec<IgnoredAny>;

/// `"/path/..."` or `{ private = true }`
#[derive(Debug)]
pub(crate) enum RouteValue {
    Path(String),
    Private(bool),
}

/// `"component-id"`, or the component itself.
#[derive(Debug)]
pub(crate) enum ComponentReference {
    Name(String),
    Inline(Box<ComponentTable>),
}

/// `"path/to.wasm"`, or a place to download from.
#[derive(Debug)]
pub(crate) enum SourceValue {
    Path(String),
    Download,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateTable {
    private: bool,
}

/// A value that is either text or a table. Written by hand instead of as an untagged enum, whose errors would
/// say neither what is wrong nor on which line.
trait TextOrTable: Sized {
    const EXPECTED: &'static str;
    fn from_text(text: String) -> Self;
    fn from_table<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error>;
}

impl TextOrTable for RouteValue {
    const EXPECTED: &'static str = "a path such as \"/metrics\", or { private = true }";

    fn from_text(text: String) -> Self {
        Self::Path(text)
    }

    fn from_table<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error> {
        PrivateTable::deserialize(table).map(|table| Self::Private(table.private))
    }
}

impl TextOrTable for ComponentReference {
    const EXPECTED: &'static str = "the name of a component, or its table";

    fn from_text(text: String) -> Self {
        Self::Name(text)
    }

    fn from_table<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error> {
        ComponentTable::deserialize(table).map(|table| Self::Inline(Box::new(table)))
    }
}

impl TextOrTable for SourceValue {
    const EXPECTED: &'static str = "the path of a .wasm file";

    fn from_text(text: String) -> Self {
        Self::Path(text)
    }

    fn from_table<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(table).map(|_| Self::Download)
    }
}

struct TextOrTableVisitor<T>(PhantomData<T>);

impl<'de, T: TextOrTable> Visitor<'de> for TextOrTableVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_table(MapAccessDeserializer::new(map))
    }
}

macro_rules! deserialize_text_or_table {
    ($($name:ty),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextOrTableVisitor(PhantomData))
            }
        }
    )+};
}

deserialize_text_or_table!(RouteValue, ComponentReference, SourceValue);
