use super::config::{Config, read};
use super::log::LogFormat;
use super::settings::{Flags, SETTINGS};
use crate::service::{ClockChoice, Trust};
use std::path::{Path, PathBuf};

const NOW_MS: i64 = 1_795_339_800_000;

fn variables(values: &[(&str, &str)]) -> Vec<(String, String)> {
    values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn with_flags(values: &[(&'static str, &str)]) -> Result<Config, Vec<String>> {
    let all: Vec<_> = [("data-dir", "data")].into_iter().chain(values.iter().copied()).collect();
    read(&Flags::of(&all, None), [], NOW_MS).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("serve.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_data_folder_is_enough() {
    let config = with_flags(&[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.tokens_of.as_deref(), Some(Path::new("data")));
    assert_eq!(config.service.snapshot_every.as_secs(), 900);
    assert_eq!(config.service.clock, ClockChoice::Wall(Trust::default()));
    assert_eq!(config.log_format, LogFormat::Human);
    assert!(config.service.seed.is_none() && config.server.tls.is_none());
}

#[test]
fn every_default_can_be_read() {
    for setting in SETTINGS.iter().filter(|setting| setting.default.is_some()) {
        let default = setting.default.unwrap();
        assert!(with_flags(&[(setting.flag, default)]).is_ok(), "--{} {default}", setting.flag);
        // Every setting is checked: an invalid value is an error.
        let mistakes = with_flags(&[(setting.flag, "?!")]).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(&format!("--{} \"?!\"", setting.flag)), "{mistakes:?}");
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "workers = 3\nconnections = 5\nsnapshots_kept = 7\nno_auth = true\nlog_format = \"json\"\n";
    let path = file(folder.path(), text);
    let environment = variables(&[("OVERDUE_CONNECTIONS", "50"), ("OVERDUE_SNAPSHOTS_KEPT", "70"), ("PATH", "/bin")]);
    let flags = Flags::of(&[("data-dir", "data"), ("snapshots-kept", "700")], Some(&path));
    let config = read(&flags, environment, NOW_MS).unwrap();
    assert_eq!((config.server.workers, config.server.connections, config.service.snapshots_kept), (3, 50, 700));
    assert_eq!((config.server.tokens_of, config.log_format), (None, LogFormat::Json));
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "listen = \"here\"\n\nsnapshot_evry = \"5m\"\nworkers = [1]\n");
    let environment = variables(&[
        ("OVERDUE_BODY_LIMIT", "1MB"),
        ("OVERDUE_KEEPALIVE", "1s"),
        ("OVERDUE_SHARED", "somewhere"),
        ("OVERDUE_CONFIG", "not read: the flag takes precedence"),
    ]);
    let flags = Flags::of(&[("snapshots-kept", "1"), ("clock-speed", "0"), ("tls-key", "key.pem")], Some(&path));
    let mistakes: Vec<String> =
        read(&flags, environment, NOW_MS).unwrap_err().iter().map(ToString::to_string).collect();
    let path = path.display();
    let expected = [
        "OVERDUE_KEEPALIVE: there is no such variable; write OVERDUE_KEEP_ALIVE".to_owned(),
        format!("{path}:3: there is no setting \"snapshot_evry\"; write snapshot_every"),
        format!("{path}:4: workers is a list or table, expected one value"),
        "--data-dir: is required".to_owned(),
        format!("{path}:1: listen = \"here\": expected an address and port such as 127.0.0.1:8080"),
        "--tls-key \"key.pem\": needs --tls-certificate too".to_owned(),
        "OVERDUE_BODY_LIMIT=\"1MB\": expected a size from 1KiB to 256MiB".to_owned(),
        "--snapshots-kept \"1\": expected a whole number from 2 to 1000".to_owned(),
        "--clock-speed \"0\": expected a number above 0, at most 1000000".to_owned(),
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn without_tokens_only_loopback_is_listened_on() {
    for address in ["127.0.0.1:80", "[::1]:80", "127.8.9.1:0"] {
        assert!(with_flags(&[("no-auth", "true"), ("listen", address)]).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"] {
        let mistakes = with_flags(&[("no-auth", "true"), ("listen", address)]).unwrap_err();
        assert!(mistakes[0].contains("loopback"), "{mistakes:?}");
        assert!(with_flags(&[("listen", address)]).is_ok(), "{address}");
    }
}

#[test]
fn a_policy_is_read_with_its_files_and_its_mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "default_priority = \"p\"\n[calendars.c]\ntime_zone = \"UTC\"\nmon-fri = [\"08:00-16:00\"]\n\
                  holidays = [{ file = \"days.ics\" }]\n[priorities.p]\ncalendar = \"c\"\n\
                  [priorities.p.clocks.resolution]\ntarget = \"4h\"\nlevels = [{ at = \"100%\", notify = [\"owner\"] }]\n";
    let days = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
                DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
    std::fs::write(folder.path().join("days.ics"), days).unwrap();
    let path = folder.path().join("policy.toml").display().to_string();
    let seed = with_flags(&[("policy", &path)]).unwrap().service.seed.unwrap();
    assert_eq!((seed.text.as_str(), seed.files), (policy, vec![("days.ics".to_owned(), days.to_owned())]));

    std::fs::write(&path, policy.replace("\"4h\"", "\"4x\"").replace("\"c\"\n[", "\"d\"\n[")).unwrap();
    let mistakes = with_flags(&[("policy", &path), ("workers", "0")]).unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(mistakes.iter().any(|text| text.contains("policy.toml:9:")), "{mistakes:?}");
}

#[test]
fn how_far_the_wall_clock_is_believed_is_set() {
    let trust = |flags: &[(&'static str, &str)]| match with_flags(flags).unwrap().service.clock {
        ClockChoice::Wall(trust) => (trust.max_ahead.as_secs(), trust.accepted_ms),
        fast => panic!("{fast:?}"),
    };
    assert_eq!(trust(&[("max-clock-ahead", "90d")]), (90 * 86_400, None));
    assert_eq!(trust(&[("accept-time", "2026-11-22T10:30:00+01:00")]), (7 * 86_400, Some(NOW_MS)));
    for (flag, text) in [("max-clock-ahead", "59s"), ("max-clock-ahead", "36501d"), ("accept-time", "now")] {
        let mistakes = with_flags(&[(flag, text)]).unwrap_err();
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with(&format!("--{flag} \"{text}\": expected")),
            "{mistakes:?}"
        );
    }
    let both = with_flags(&[("accept-time", "2026-11-22T09:30:00Z"), ("clock-speed", "60")]).unwrap_err();
    assert!(both.len() == 1 && both[0].contains("concerns the wall clock"), "{both:?}");
}

#[test]
fn the_clock_runs_faster_only_when_asked_to() {
    let clock = |flags: &[(&'static str, &str)]| with_flags(flags).unwrap().service.clock;
    assert_eq!(clock(&[("clock-speed", "60")]), ClockChoice::Fast { start_ms: NOW_MS, speed: 60.0 });
    assert_eq!(clock(&[("clock-start", "1970-01-01T00:00:05Z")]), ClockChoice::Fast { start_ms: 5_000, speed: 1.0 });
}
