//! The checked configuration. Its fields are consistent; all errors are found at once, not only the first.

use super::log::LogFormat;
use super::settings::{Flags, Mistake, Raw, SETTINGS, Source, gather, key, variable};
use crate::cli::common::files::{read_named, read_text};
use crate::cli::common::units;
use crate::engine::CatchUp;
use crate::limits::{MAX_BODY_BYTES, MAX_BULK_BODY_BYTES, MAX_CONNECTIONS, MAX_THREADS};
use crate::policy;
use crate::server;
use crate::server::auth::tls::Tls;
use crate::server::middleware::Timeouts;
use crate::server::middleware::rate_limit::{Rate, Rates};
use crate::server::state::Limits;
use crate::service;
use crate::service::{ClockChoice, Seed, Trust};
use crate::time::parse_rfc3339;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// The configuration of `overdue serve`.
#[derive(Debug)]
pub(crate) struct Config {
    pub service: service::Config,
    pub server: server::ServerConfig,
    /// Whether the number of connections is the default, so that it may be reduced to the process's limit of descriptors.
    pub connections_are_default: bool,
    pub log_format: LogFormat,
    pub log_filter: EnvFilter,
    /// Warnings about the policy file, for the terminal.
    pub warnings: Vec<String>,
}

/// The highest speed of the demonstration's clock: a month in three seconds.
const MAX_CLOCK_SPEED: f64 = 1_000_000.0;

/// Reads all sources and checks their values.
///
/// # Errors
/// All errors.
pub(super) fn read(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
    now_ms: i64,
) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let values = gather(flags, environment, &mut mistakes);
    let mut reader = Reader { values, mistakes };
    match reader.config(now_ms) {
        Some(config) if reader.mistakes.is_empty() => Ok(config),
        _ => Err(reader.mistakes),
    }
}

struct Reader {
    values: BTreeMap<&'static str, Raw>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    /// `None` only together with an error.
    fn config(&mut self, now_ms: i64) -> Option<Config> {
        let data_dir = self.required_path("data-dir");
        let seed = self.policy();
        let listen = self.parsed("listen", "an address and port such as 127.0.0.1:8080", |text| text.parse().ok());
        let metrics_listen =
            self.optional("metrics-listen", "an address and port such as 127.0.0.1:9090", |text| text.parse().ok());
        let no_auth = self.parsed("no-auth", "true or false", |text| text.parse().ok());
        self.only_loopback(no_auth, listen);
        let tls = self.tls();
        let workers = self.count("workers", MAX_THREADS);
        let threads = self.threads();
        let connections_are_default = !self.values.contains_key("connections");
        let connections = self.count("connections", MAX_CONNECTIONS);
        let limits = self.limits();
        let rates = self.rates();
        let timeouts = self.timeouts();
        let drain = self.time("drain", Duration::from_secs(1));
        let snapshot_every = self.time("snapshot-every", Duration::from_secs(1));
        let snapshots_kept = self.parsed("snapshots-kept", "a whole number from 2 to 1000", |text| {
            text.parse().ok().filter(|count| (2..=1_000).contains(count))
        });
        let catch_up_after_downtime = self.parsed("catch-up-after-downtime", "latest, all or none", CatchUp::from_name);
        let cut_history = self.parsed("cut-history", "true or false", |text| text.parse().ok());
        let clock = self.clock(now_ms);
        let log_format = self.parsed("log-format", "human or json", |text| match text {
            "human" => Some(LogFormat::Human),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let log_filter =
            self.parsed("log-level", "a level (error, warn, info, debug, trace) or a filter of them", |text| {
                EnvFilter::builder().parse(text).ok()
            });
        let (seed, warnings) = seed.unzip();
        let data_dir = data_dir?;
        let tokens_of = if no_auth? { None } else { Some(data_dir.clone()) };
        Some(Config {
            service: service::Config {
                data_dir,
                seed,
                catch_up_after_downtime: catch_up_after_downtime?,
                snapshot_every: snapshot_every?,
                snapshots_kept: snapshots_kept?,
                cut_history: cut_history?,
                clock,
                threads: threads?,
            },
            server: server::ServerConfig {
                listen: listen?,
                metrics_listen,
                tokens_of,
                tls,
                workers: workers?,
                connections: connections?,
                limits: limits?,
                timeouts: timeouts?,
                rates: rates?,
                drain: drain?,
            },
            connections_are_default,
            log_format: log_format?,
            log_filter: log_filter?,
            warnings: warnings.unwrap_or_default(),
        })
    }

    fn required_path(&mut self, flag: &'static str) -> Option<PathBuf> {
        let path = self.path(flag);
        if path.is_none() && !self.values.contains_key(flag) {
            let message = "is required".to_owned();
            self.mistakes.push(Mistake { place: format!("--{flag}"), message });
        }
        path
    }

    fn path(&mut self, flag: &'static str) -> Option<PathBuf> {
        self.optional(flag, "a path", |text| (!text.is_empty()).then(|| PathBuf::from(text)))
    }

    /// The policy file with all files that it names; its problems become configuration errors.
    fn policy(&mut self) -> Option<(Seed, Vec<String>)> {
        let path = self.path("policy")?;
        let mut files = Vec::new();
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) => {
                self.wrong("policy", &format!("{error:#}"));
                return None;
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.display().to_string();
        let mut read = |file: &str| {
            let text = read_named(folder, file)?;
            files.push((file.to_owned(), text.clone()));
            Ok(text)
        };
        let checked = policy::check(&text, &name, &mut read);
        let (errors, warnings): (Vec<_>, Vec<_>) = checked.problems.iter().partition(|problem| problem.is_error());
        for problem in &errors {
            self.wrong("policy", &format!("\n{problem}"));
        }
        files.sort();
        files.dedup();
        checked.policy?;
        Some((Seed { name, text, files }, warnings.iter().map(ToString::to_string).collect()))
    }

    /// Without tokens every client that reaches the address is an administrator.
    fn only_loopback(&mut self, no_auth: Option<bool>, listen: Option<SocketAddr>) {
        if let (Some(true), Some(listen)) = (no_auth, listen)
            && !listen.ip().is_loopback()
        {
            let message = format!("without tokens the service listens on loopback addresses only, not on {listen}");
            self.wrong("no-auth", &message);
        }
    }

    fn tls(&mut self) -> Option<Tls> {
        let (certificate, key) = (self.path("tls-certificate"), self.path("tls-key"));
        match (certificate, key) {
            (Some(certificate), Some(key)) => match Tls::read(&certificate, &key) {
                Ok(tls) => Some(tls),
                Err(error) => {
                    self.wrong("tls-certificate", &error.to_string());
                    None
                }
            },
            (Some(_), None) => self.wrong("tls-certificate", "needs --tls-key too").then_none(),
            (None, Some(_)) => self.wrong("tls-key", "needs --tls-certificate too").then_none(),
            (None, None) => None,
        }
    }

    fn threads(&mut self) -> Option<usize> {
        if self.values.contains_key("threads") {
            return self.count("threads", MAX_THREADS);
        }
        Some(crate::ingest::cores().min(MAX_THREADS))
    }

    fn limits(&mut self) -> Option<Limits> {
        let most = MAX_BODY_BYTES as u64;
        let body = self.parsed("body-limit", "a size from 1KiB to 256MiB", |text| {
            units::size(text).filter(|size| (1 << 10..=most).contains(size)).and_then(|size| usize::try_from(size).ok())
        });
        let bulk = self.parsed("bulk-body-limit", "a size from 1MiB to 1024GiB", |text| {
            units::size(text).filter(|size| (1 << 20..=MAX_BULK_BODY_BYTES).contains(size))
        });
        Some(Limits { body_bytes: body?, bulk_body_bytes: bulk? })
    }

    fn rates(&mut self) -> Option<Rates> {
        let [token, token_burst] = ["rate-limit", "rate-burst"].map(|flag| self.rate(flag));
        let [anonymous, anonymous_burst] = ["anonymous-rate-limit", "anonymous-rate-burst"].map(|flag| self.rate(flag));
        Some(Rates {
            token: Rate { per_second: token?, burst: token_burst? },
            anonymous: Rate { per_second: anonymous?, burst: anonymous_burst? },
        })
    }

    fn rate(&mut self, flag: &'static str) -> Option<NonZeroU32> {
        self.parsed(flag, "a whole number from 1 to 4294967295", |text| text.parse().ok())
    }

    fn timeouts(&mut self) -> Option<Timeouts> {
        let least = Duration::from_millis(100);
        let head = self.time("head-timeout", least);
        let body_idle = self.time("body-idle-timeout", least);
        let body_total = self.time("body-timeout", least);
        let keep_alive = self.time("keep-alive", least);
        Some(Timeouts { head: head?, body_idle: body_idle?, body_total: body_total?, keep_alive: keep_alive? })
    }

    fn clock(&mut self, now_ms: i64) -> ClockChoice {
        let speed = self.optional("clock-speed", "a number above 0, at most 1000000", |text| {
            text.parse::<f64>().ok().filter(|speed| *speed > 0.0 && *speed <= MAX_CLOCK_SPEED)
        });
        let start = self
            .optional("clock-start", "an RFC 3339 time such as 2026-11-22T09:30:00Z", |text| parse_rfc3339(text).ok());
        let trust = self.trust();
        if speed.is_none() && start.is_none() {
            return ClockChoice::Wall(trust);
        }
        if trust.accepted_ms.is_some() {
            self.wrong("accept-time", "concerns the wall clock, which --clock-speed or --clock-start replaces");
        }
        ClockChoice::Fast { start_ms: start.unwrap_or(now_ms), speed: speed.unwrap_or(1.0) }
    }

    /// Limits of trust in the wall clock at the start.
    fn trust(&mut self) -> Trust {
        let (least, most) = (Duration::from_secs(60), Duration::from_secs(36_500 * 86_400));
        let max_ahead = self.parsed("max-clock-ahead", "a time such as 12h or 30d, from 1m to 36500d", |text| {
            units::time(text).filter(|time| (least..=most).contains(time))
        });
        let accepted_ms = self
            .optional("accept-time", "an RFC 3339 time such as 2026-11-22T09:30:00Z", |text| parse_rfc3339(text).ok());
        Trust { max_ahead: max_ahead.unwrap_or_default(), accepted_ms }
    }

    fn count(&mut self, flag: &'static str, most: usize) -> Option<usize> {
        self.parsed(flag, &format!("a whole number from 1 to {most}"), |text| {
            text.parse().ok().filter(|count| (1..=most).contains(count))
        })
    }

    fn time(&mut self, flag: &'static str, least: Duration) -> Option<Duration> {
        // At most a week: a longer time is probably a wrong unit.
        let most = Duration::from_secs(7 * 86_400);
        let message = format!("a time such as 30s, 15m or 2h, from {} s to 7d", least.as_secs_f64());
        self.parsed(flag, &message, |text| units::time(text).filter(|time| (least..=most).contains(time)))
    }

    /// A setting with a default.
    fn parsed<T>(&mut self, flag: &'static str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let default = SETTINGS.iter().find(|setting| setting.flag == flag).and_then(|setting| setting.default);
        self.values
            .entry(flag)
            .or_insert_with(|| Raw { source: Source::Default, text: default.unwrap_or_default().to_owned() });
        self.optional(flag, expected, parse)
    }

    /// An optional setting: `None` if it is not set, or after an error.
    fn optional<T>(&mut self, flag: &'static str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let parsed = parse(&self.values.get(flag)?.text);
        if parsed.is_none() {
            self.wrong(flag, &format!("expected {expected}"));
        }
        parsed
    }

    fn wrong(&mut self, flag: &'static str, message: &str) -> Wrong {
        let raw = self.values.get(flag);
        let text = raw.map_or("", |raw| &raw.text);
        let place = match raw.map(|raw| &raw.source) {
            Some(Source::Environment) => format!("{}={text:?}", variable(flag)),
            Some(Source::File { path, line }) => format!("{}:{line}: {} = {text:?}", path.display(), key(flag)),
            Some(Source::Flag) | None => format!("--{flag} {text:?}"),
            Some(Source::Default) => format!("--{flag} (default {text:?})"),
        };
        self.mistakes.push(Mistake { place, message: message.to_owned() });
        Wrong
    }
}

/// An error was recorded.
struct Wrong;

impl Wrong {
    fn then_none<T>(self) -> Option<T> {
        None
    }
}
