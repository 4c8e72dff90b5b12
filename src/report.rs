//! What was proven: one row for each connection that was tried, expected and seen side by side.

mod alike;

use serde::{Deserialize, Serialize};

use crate::values::{USUAL_WIDTH, cell, sort_by_key, wrapped};

pub use alike::{Alike, addresses, alike};

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

/// How far a proof goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All that can be tried from this host was tried, and came out right.
    Holds,
    /// Nothing came out wrong, and refusals were among what was tried; this many attempts were
    /// not.
    HoldsInPart {
        not_tried: usize,
    },
    /// Nothing came out wrong, and agents without a certificate are let in: that was asked for.
    NotEnforced,
    /// Nothing came out wrong, but nobody was seen to be refused.
    Untried,
    Fails,
}

impl Standing {
    pub fn of(rows: &[Row]) -> Self {
        let refused = |row: &Row| row.expected == REFUSED && row.ok == Some(true);
        let not_tried = not_tried(rows).count();
        match () {
            () if rows.iter().any(|row| row.ok == Some(false)) => Self::Fails,
            () if rows.iter().any(|row| row.expected == NOTED) => Self::NotEnforced,
            () if !rows.iter().any(refused) => Self::Untried,
            () if not_tried > 0 => Self::HoldsInPart { not_tried },
            () => Self::Holds,
        }
    }

    /// The same of an instance, where a manager that lets everybody in is no fault: that the
    /// agent gets through is what counts.
    pub fn of_instance(rows: &[Row]) -> Self {
        match not_tried(rows).count() {
            _ if !holds(rows) => Self::Fails,
            0 => Self::Holds,
            not_tried => Self::HoldsInPart { not_tried },
        }
    }

    /// Of several proofs; none is nothing.
    pub fn weakest(all: &[Self]) -> Self {
        let rank = |standing: &Self| match standing {
            Self::Fails => 4,
            Self::Untried => 3,
            Self::NotEnforced => 2,
            Self::HoldsInPart { .. } => 1,
            Self::Holds => 0,
        };
        let weakest = all.iter().copied().max_by_key(rank);
        weakest.unwrap_or(Self::Untried)
    }

    /// Whether nothing speaks against it.
    pub fn is_good(self) -> bool {
        matches!(
            self,
            Self::Holds | Self::HoldsInPart { .. } | Self::NotEnforced
        )
    }
}

/// What a wrong client meets where agents are judged and nobody is refused yet.
pub const NOTED: &str = "let in, noted";
/// What a wrong client has to meet.
const REFUSED: &str = "refused";
/// How legs begin that lead from an instance to the manager as a whole.
pub const MANAGER: &str = "manager";
/// The leg that no proof on this host can try.
pub const ELSEWHERE: &str = "from another host";

/// The rows that could have been tried from here and were not.
pub fn not_tried(rows: &[Row]) -> impl Iterator<Item = &Row> {
    let here = rows.iter().filter(|row| row.leg != ELSEWHERE);
    here.filter(|row| row.ok.is_none())
}

/// The proof as text, to be pasted into a change ticket.
pub fn as_text(rows: &[Row]) -> String {
    as_text_within(rows, USUAL_WIDTH)
}

/// The proof as a table of this width: what a connection goes to, then who tried it, what was
/// expected and what was seen, side by side.
pub fn as_text_within(rows: &[Row], width: usize) -> String {
    const BEFORE: usize = 2 + 3 + 1;
    let widest = |column: fn(&Row) -> &str, most: usize| {
        let widths = rows.iter().map(|row| column(row).chars().count());
        widths.max().unwrap_or(0).min(most)
    };
    let (case, expected) = (widest(|row| &row.case, 26), widest(|row| &row.expected, 12));
    let seen = width
        .saturating_sub(BEFORE + case + 2 + expected + 2)
        .max(20);
    let mut text = String::new();
    let mut leg = "";
    let mut in_order: Vec<&Row> = rows.iter().collect();
    // Each leg once, in the order in which they were begun.
    sort_by_key(&mut in_order, |row| {
        rows.iter().position(|first| first.leg == row.leg)
    });
    for row in in_order {
        if row.leg != leg {
            leg = &row.leg;
            text.push_str(&wrapped("", &format!("{leg}:"), width));
        }
        let what = match &row.why {
            Some(why) => format!("not tried: {why}"),
            None => row.seen.clone(),
        };
        let columns = [
            cell(&row.case, case),
            cell(&row.expected, expected),
            cell(&what, seen),
        ];
        let lines = columns.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let mark = if line == 0 { row.mark() } else { "" };
            let [first, second, third] = columns
                .each_ref()
                .map(|cell| cell.get(line).map_or("", String::as_str));
            let shown = format!("  {mark:<3} {first:<case$}  {second:<expected$}  {third}");
            text.push_str(shown.trim_end());
            text.push('\n');
        }
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

    #[test]
    fn what_was_not_tried_is_counted_and_refusals_have_to_be_seen() {
        let good = row(Some(true));
        assert_eq!(Standing::of(std::slice::from_ref(&good)), Standing::Holds);
        let elsewhere = Row::not_tried(ELSEWHERE, "agent", "as above", "because");
        assert_eq!(Standing::of(&[good.clone(), elsewhere]), Standing::Holds);
        let open = [good.clone(), row(None), row(None)];
        assert_eq!(Standing::of(&open), Standing::HoldsInPart { not_tried: 2 });
        let through = Row {
            expected: "through".to_owned(),
            ..good.clone()
        };
        assert_eq!(Standing::of(&[through, row(None)]), Standing::Untried);
        assert_eq!(Standing::of(&[good, row(Some(false))]), Standing::Fails);
        assert!(!Standing::of(&[]).is_good());
    }

    #[test]
    fn the_table_fits_a_terminal() {
        let rows: Vec<Row> = [
            ("no certificate, name in the request only", "refused"),
            ("a", "through"),
        ]
        .map(|(case, expected)| Row {
            seen: "nginx's check refused; grpc-status 16; and a lot of further words".to_owned(),
            ok: Some(true),
            why: None,
            ..Row::not_tried("MetricsService at 127.0.0.1:443", case, expected, "")
        })
        .into();
        let text = as_text(&rows);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert_eq!(text.matches("MetricsService").count(), 1, "{text}");
        assert!(
            text.contains("  ok  no certificate, name in     refused  nginx's"),
            "{text}"
        );
    }
}
