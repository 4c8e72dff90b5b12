//! What was proven: one row for each connection that was tried, expected and seen side by side.

use serde::{Deserialize, Serialize};

/// One connection of the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it goes: `agent -> Commander at 127.0.0.1:443`.
    pub leg: String,
    /// Who connects: `no certificate`.
    pub case: String,
    pub expected: String,
    pub seen: String,
    /// `None`: not tried, and `why` says why.
    pub ok: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Row {
    pub fn not_tried(leg: &str, case: &str, expected: &str, why: impl Into<String>) -> Self {
        Self {
            leg: leg.to_owned(),
            case: case.to_owned(),
            expected: expected.to_owned(),
            seen: String::new(),
            ok: None,
            why: Some(why.into()),
        }
    }

    /// `ok`, `NOT` or `--`, for a column of its own.
    pub fn mark(&self) -> &'static str {
        match self.ok {
            Some(true) => "ok",
            Some(false) => "NOT",
            None => "--",
        }
    }
}

/// Whether the proof stands: something was tried, and nothing tried came out wrong.
pub fn holds(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.ok == Some(true)) && rows.iter().all(|row| row.ok != Some(false))
}

/// The proof as text, to be read on a screen or pasted into a change ticket.
pub fn as_text(rows: &[Row]) -> String {
    use std::fmt::Write as _;

    let width = |column: fn(&Row) -> &str| {
        rows.iter()
            .map(|row| column(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (leg, case) = (width(|row| &row.leg), width(|row| &row.case));
    let expected = width(|row| &row.expected);
    let mut text = String::new();
    for row in rows {
        let seen = match &row.why {
            Some(why) => format!("not tried: {why}"),
            None => row.seen.clone(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<3} {:<leg$}  {:<case$}  {:<expected$}  {seen}",
            row.mark(),
            row.leg,
            row.case,
            row.expected,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ok: Option<bool>) -> Row {
        Row {
            ok,
            ..Row::not_tried("leg", "case", "refused", "because")
        }
    }

    #[test]
    fn nothing_tried_proves_nothing() {
        assert!(!holds(&[]));
        assert!(!holds(&[row(None)]));
    }

    #[test]
    fn one_wrong_row_is_enough() {
        assert!(holds(&[row(Some(true)), row(None)]));
        assert!(!holds(&[row(Some(true)), row(Some(false))]));
    }
}
