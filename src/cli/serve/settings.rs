//! The settings and their sources: flags take precedence over the environment, the environment over the file.
//!
//! One table defines the flags, the variables and the keys of the file, and finds near misses. Values stay text here:
//! [`super::config`] parses them.

use crate::limits::MAX_CONFIG_BYTES;
use crate::suggest::nearest;
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// The flag, without leading dashes. The file's key has `_` for `-`, the variable the prefix `OVERDUE_` and capitals.
    pub flag: &'static str,
    /// Name of the value in the help.
    pub value: &'static str,
    pub help: &'static str,
    pub default: Option<&'static str>,
}

const fn setting(
    flag: &'static str,
    value: &'static str,
    help: &'static str,
    default: Option<&'static str>,
) -> Setting {
    Setting { flag, value, help, default }
}

/// All settings. [`super::config`] reads each.
pub(super) const SETTINGS: &[Setting] = &[
    setting("data-dir", "DIR", "Folder of the service's data; created if it does not exist", None),
    setting("policy", "FILE", "Policy (TOML) for an empty data folder; one with data has its own", None),
    setting(
        "listen",
        "ADDRESS",
        "Address to listen on; port 0 selects a free port and prints it",
        Some("127.0.0.1:8080"),
    ),
    setting("metrics-listen", "ADDRESS", "A second listener for health and metrics, which requires no token", None),
    setting(
        "no-auth",
        "BOOL",
        "Require no tokens: every client is an admin. On loopback addresses only",
        Some("false"),
    ),
    setting("tls-certificate", "FILE", "Certificate chain (PEM) for TLS", None),
    setting("tls-key", "FILE", "Private key of the certificate (PEM)", None),
    setting("workers", "COUNT", "Threads that serve requests", Some("2")),
    setting("threads", "COUNT", "Threads of the engine; by default as many as the machine has cores", None),
    setting("connections", "COUNT", "Open connections per worker", Some("4096")),
    setting("body-limit", "SIZE", "Largest body of a request that is read completely before processing", Some("20MiB")),
    setting("bulk-body-limit", "SIZE", "Largest body of a bulk load, as it comes over the wire", Some("16GiB")),
    setting("rate-limit", "COUNT", "Requests per second and token", Some("50000")),
    setting("rate-burst", "COUNT", "Burst of requests of one token after a pause", Some("50000")),
    setting("anonymous-rate-limit", "COUNT", "Requests per second and address without a valid token", Some("20")),
    setting("anonymous-rate-burst", "COUNT", "Burst of such requests", Some("200")),
    setting("head-timeout", "TIME", "Time limit for the head of a request", Some("10s")),
    setting(
        "body-idle-timeout",
        "TIME",
        "Idle timeout: no byte of a body received, or of a response sent",
        Some("20s"),
    ),
    setting("body-timeout", "TIME", "Time limit for a complete body", Some("10m")),
    setting("keep-alive", "TIME", "Idle timeout of a connection between requests", Some("30s")),
    setting("drain", "TIME", "Time limit for running requests after a stop signal", Some("10s")),
    setting("snapshot-every", "TIME", "Time between snapshots", Some("15m")),
    setting("snapshots-kept", "COUNT", "Number of snapshots kept, at least 2", Some("3")),
    setting(
        "catch-up-after-downtime",
        "CHOICE",
        "Which of the levels that fell due while the service was down fire: latest, all or none",
        Some("latest"),
    ),
    setting(
        "max-clock-ahead",
        "TIME",
        "How far the wall clock may be ahead of the last known time at a start without --accept-time",
        Some("7d"),
    ),
    setting(
        "accept-time",
        "TIME",
        "Accept this time (RFC 3339; the wall clock must be within 1h of it), however far ahead or behind",
        None,
    ),
    setting(
        "cut-history",
        "BOOL",
        "Set aside records of the history that are newer than the journal, and begin a new epoch: after a start was rejected \
         because of them",
        Some("false"),
    ),
    setting("clock-speed", "FACTOR", "Run the clock faster by this factor, for demonstrations", None),
    setting("clock-start", "TIME", "Start the clock at this time (RFC 3339), for demonstrations", None),
    setting("log-format", "FORMAT", "human or json", Some("human")),
    setting(
        "log-level",
        "LEVEL",
        "error, warn, info, debug or trace; or a filter such as info,overdue::request=warn",
        Some("info"),
    ),
];

/// Variables and flags that are not in the table.
const CONFIG: Setting = setting(
    "config",
    "FILE",
    "File (TOML) with any of these settings: listen = \"...\", snapshot_every = \"5m\"",
    None,
);

/// Prefix of the variables.
const PREFIX: &str = "OVERDUE_";

/// A flag's key in the file.
pub(super) fn key(flag: &str) -> String {
    flag.replace('-', "_")
}

/// A flag's variable in the environment.
pub(super) fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", key(flag).to_uppercase())
}

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Flag,
    Environment,
    File {
        path: PathBuf,
        line: usize,
    },
    /// Not set.
    Default,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub source: Source,
    pub text: String,
}

/// An error in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Where: the flag, the variable, or file and line.
    pub place: String,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.message)
    }
}

/// The flags of the command line.
#[derive(Debug, Default, Clone)]
pub(super) struct Flags {
    values: BTreeMap<&'static str, String>,
    config: Option<PathBuf>,
}

impl Flags {
    /// Flags that are not given.
    pub(super) fn of(values: &[(&'static str, &str)], config: Option<&Path>) -> Self {
        let values = values.iter().map(|(flag, text)| (*flag, (*text).to_owned())).collect();
        Self { values, config: config.map(Path::to_owned) }
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let command = command.arg(argument(&CONFIG).value_parser(clap::value_parser!(PathBuf)));
        SETTINGS.iter().fold(command, |command, setting| {
            let argument = argument(setting);
            // A switch without a value is true.
            let is_switch = setting.value == "BOOL";
            let argument = if is_switch { argument.num_args(0..=1).default_missing_value("true") } else { argument };
            command.arg(argument)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(setting: &Setting) -> Arg {
    let help = match setting.default {
        Some(default) => format!("{} [default: {default}]", setting.help),
        None => setting.help.to_owned(),
    };
    Arg::new(setting.flag).long(setting.flag).value_name(setting.value).help(help)
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let typed = |setting: &Setting| Some((setting.flag, matches.get_one::<String>(setting.flag)?.clone()));
        self.values.extend(SETTINGS.iter().filter_map(typed));
        self.config = matches.get_one::<PathBuf>(CONFIG.flag).cloned().or(self.config.take());
        Ok(())
    }
}

/// The values of all sources, by flag; errors of the sources themselves are added to `mistakes`.
pub(super) fn gather(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<&'static str, Raw> {
    let mut config = flags.config.clone();
    let mut from_environment = BTreeMap::new();
    for (name, text) in environment {
        if name == variable(CONFIG.flag) {
            config = config.or_else(|| Some(PathBuf::from(&text)));
        } else if let Some(setting) = SETTINGS.iter().find(|setting| variable(setting.flag) == name) {
            from_environment.insert(setting.flag, Raw { source: Source::Environment, text });
        } else if let Some(rest) = name.strip_prefix(PREFIX) {
            // Other programs may use the prefix too: only a near miss is an error.
            let keys: Vec<String> = SETTINGS.iter().map(|setting| key(setting.flag)).collect();
            if let Some(near) = nearest(rest, keys.iter().map(String::as_str)) {
                let message = format!("there is no such variable; write {PREFIX}{}", near.to_uppercase());
                mistakes.push(Mistake { place: name, message });
            }
        }
    }
    let mut values = config.map(|path| read_file(&path, mistakes)).unwrap_or_default();
    values.extend(from_environment);
    let typed = flags.values.iter().map(|(flag, text)| (*flag, Raw { source: Source::Flag, text: text.clone() }));
    values.extend(typed);
    values
}

fn read_file(path: &Path, mistakes: &mut Vec<Mistake>) -> BTreeMap<&'static str, Raw> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_CONFIG_BYTES).read_to_string(&mut text));
    let place = path.display().to_string();
    if let Err(error) = read {
        mistakes.push(Mistake { place, message: format!("cannot be read: {error}") });
        return BTreeMap::new();
    }
    let line_of = |at: usize| 1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
    let table = match toml::de::DeTable::parse(&text) {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(span.start));
            mistakes.push(Mistake { place: format!("{place}:{line}"), message: error.message().to_owned() });
            return BTreeMap::new();
        }
    };
    let keys: Vec<String> = SETTINGS.iter().map(|setting| key(setting.flag)).collect();
    let mut values = BTreeMap::new();
    for (named, value) in table.get_ref() {
        let line = line_of(named.span().start);
        let mut mistake = |message| mistakes.push(Mistake { place: format!("{place}:{line}"), message });
        let name = named.get_ref().as_ref();
        let Some(setting) = SETTINGS.iter().find(|setting| key(setting.flag) == name) else {
            let near = nearest(name, keys.iter().map(String::as_str));
            let instead = near.map_or_else(|| format!("there are {}", keys.join(", ")), |near| format!("write {near}"));
            mistake(format!("there is no setting {name:?}; {instead}"));
            continue;
        };
        use toml::de::DeValue;
        let text = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(is_so) => is_so.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Array(_) | DeValue::Table(_) => {
                mistake(format!("{name} is a list or table, expected one value"));
                continue;
            }
        };
        values.insert(setting.flag, Raw { source: Source::File { path: path.to_owned(), line }, text });
    }
    values
}
