//! Time as people and scripts read it.

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Seconds since 1970 as a moment in UTC: `2026-11-23T08:00:00Z`.
pub fn moment(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| seconds.to_string())
}

/// Seconds since 1970 of such a moment, in any zone.
pub fn instant(text: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    moment.ok().map(OffsetDateTime::unix_timestamp)
}

/// Seconds since 1970 of a date as HTTP writes it: `Sat, 28 Nov 2026 09:00:00 GMT`.
pub fn date_of_http(text: &str) -> Option<i64> {
    let text = text.trim().strip_suffix("GMT")?;
    let moment = OffsetDateTime::parse(&format!("{text}+0000"), &Rfc2822);
    moment.ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read() {
        let date = date_of_http("Thu, 01 Jan 1970 00:01:00 GMT");
        assert_eq!(date, Some(60));
        for wrong in [
            "",
            "GMT",
            "Thu, 01 Jan 1970 00:01:00",
            "1970-01-01T00:00:00Z",
            "Thu, 99 Jan 1970 00:01:00 GMT",
        ] {
            assert_eq!(date_of_http(wrong), None, "{wrong}");
        }
    }
}
