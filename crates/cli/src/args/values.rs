//! Values with a form of their own.

use bailiwick_app::manage::RATE_MAX_PER_SECOND;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::names;
use bailiwick_domain::preset::Preset;
use bailiwick_scim::quirks::Quirk;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// How often an integration may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateLimit {
    Default,
    Off,
    PerSecond(u32),
}

impl RateLimit {
    /// As the store keeps it.
    pub(crate) fn stored(self) -> Option<u32> {
        match self {
            Self::Default => None,
            Self::Off => Some(0),
            Self::PerSecond(limit) => Some(limit),
        }
    }
}

/// on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// `CLAIM=ATTRIBUTE`, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignInClaim(pub(crate) Option<String>);

/// Where reading the journal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    At(Millis),
    Ago(Duration),
}

impl Since {
    /// The moment, seen from now.
    pub(crate) fn moment(self, now: Millis) -> Millis {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => Millis(now.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))),
        }
    }
}

pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    let names = PossibleValuesParser::new(Preset::ALL.iter().map(|preset| preset.as_str()));
    names.map(|name| Preset::from_name(&name).unwrap_or(Preset::Generic))
}

pub(crate) fn level(text: &str) -> Result<LevelFilter, String> {
    let names = ["off", "error", "warn", "info", "debug", "trace"];
    let known = names.contains(&text.to_ascii_lowercase().as_str());
    let level = if known { text.parse().ok() } else { None };
    level.ok_or_else(|| format!("give one of {}", names.join(", ")))
}

pub(super) fn rate_limit_or_off(text: &str) -> Result<RateLimit, String> {
    match text {
        "off" => Ok(RateLimit::Off),
        text => match text.parse() {
            Ok(limit @ 1..=RATE_MAX_PER_SECOND) => Ok(RateLimit::PerSecond(limit)),
            _ => Err(format!("give a number from 1 to {RATE_MAX_PER_SECOND}, or off")),
        },
    }
}

pub(super) fn rate_limit(text: &str) -> Result<RateLimit, String> {
    if text == "default" { Ok(RateLimit::Default) } else { rate_limit_or_off(text) }
}

pub(super) fn quirk(text: &str) -> Result<(Quirk, bool), String> {
    let (name, switch) = text.split_once('=').ok_or("give NAME=on or NAME=off")?;
    let quirk = Quirk::ALL.iter().copied().find(|quirk| quirk.name() == name).ok_or_else(|| {
        let names: Vec<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        format!("there is no quirk of that name; there are {}", names.join(", "))
    })?;
    match switch {
        "on" => Ok((quirk, true)),
        "off" => Ok((quirk, false)),
        _ => Err("a quirk is on or off".to_owned()),
    }
}

pub(super) fn sign_in_claim(text: &str) -> Result<SignInClaim, String> {
    if text == "none" {
        return Ok(SignInClaim(None));
    }
    match names::sign_in_claim(text) {
        Ok(()) => Ok(SignInClaim(Some(text.to_owned()))),
        Err(reason) => Err(format!("{reason}, or none")),
    }
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "give a number with s, m, h, d or w, such as 90d".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    // A thousand years are long enough for everything here and stay far from the end of the calendar.
    match number.checked_mul(seconds) {
        Some(total) if total <= 365_250 * 86_400 => Ok(Duration::from_secs(total)),
        _ => Err("this is longer than a thousand years".to_owned()),
    }
}

pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(span) = span(text) {
        return Ok(Since::Ago(span));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Since::At(Millis(at.as_millisecond())));
    }
    let day = if text.len() == "2026-11-23".len() { text.parse::<Date>().ok() } else { None };
    let begin = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    match begin {
        Some(begin) => Ok(Since::At(Millis(begin.timestamp().as_millisecond()))),
        None => Err("give a span such as 15m, 24h or 7d, a date, or an RFC 3339 time with its offset".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check =
            |text: &str, expect: Option<u64>| assert_eq!(span(text).ok().map(|span| span.as_secs()), expect, "{text}");
        check("15m", Some(900));
        check("24h", Some(86_400));
        check("90d", Some(7_776_000));
        check("0s", Some(0));
        check("2w", Some(1_209_600));
        check("1000y", None);
        check("", None);
        check("d", None);
        check("-1d", None);
        check("5", None);
        check("5é", None);
        check("99999999999999999999d", None);
        check("999999999999d", None);
    }

    #[test]
    fn moments() {
        let check = |text: &str, expect: Option<i64>| {
            let found = since(text).ok().map(|since| since.moment(Millis(1_000_000)).0);
            assert_eq!(found, expect, "{text}");
        };
        check("15m", Some(100_000));
        check("1970-01-02", Some(86_400_000));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("1970-01-01T00:00:01.5Z", Some(1_500));
        check("1970-01-01T00:00:01", None);
        check("yesterday", None);
    }

    #[test]
    fn limits_and_switches() {
        assert_eq!(rate_limit("off"), Ok(RateLimit::Off));
        assert_eq!(rate_limit("default").map(RateLimit::stored), Ok(None));
        assert_eq!(rate_limit("25").map(RateLimit::stored), Ok(Some(25)));
        assert!(rate_limit("0").is_err() && rate_limit("-1").is_err() && rate_limit_or_off("default").is_err());
        assert_eq!(quirk("op-case=off"), Ok((Quirk::OpCase, false)));
        assert!(quirk("op-case").is_err() && quirk("op-case=maybe").is_err() && quirk("nonsense=on").is_err());
        assert_eq!(sign_in_claim("none"), Ok(SignInClaim(None)));
        assert_eq!(sign_in_claim("oid=externalId"), Ok(SignInClaim(Some("oid=externalId".to_owned()))));
        assert!(sign_in_claim("oid").is_err() && sign_in_claim("=x").is_err() && sign_in_claim("a=b=c").is_err());
        assert!(level("debug").is_ok() && level("WARN").is_ok() && level("loud").is_err() && level("3").is_err());
    }
}
