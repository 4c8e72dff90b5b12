//! A proof as few lines as say it all: connections of the same kind that came out alike are one
//! line, which names what they went to.

use super::Row;

/// Rows that differ in nothing but what the connection goes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Alike<'a> {
    /// The first of them.
    pub row: &'a Row,
    /// What they went to: `Commander`, each once.
    pub to: Vec<&'a str>,
    /// At which addresses: `127.0.0.1:443`, each once. None where it was no connection.
    pub at: Vec<&'a str>,
}

impl Row {
    /// What it goes to, and at which address: `Commander` and `127.0.0.1:443`.
    pub fn target(&self) -> (&str, Option<&str>) {
        match self.leg.rsplit_once(" at ") {
            Some((to, address)) => (to, Some(address)),
            None => (&self.leg, None),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.case == other.case
            && self.expected == other.expected
            && self.seen == other.seen
            && self.ok == other.ok
            && self.why == other.why
            && self.target().1.is_some() == other.target().1.is_some()
    }
}

/// What came out wrong first, what was not tried last; each in its order.
pub fn alike(rows: &[Row]) -> Vec<Alike<'_>> {
    let mut all: Vec<Alike<'_>> = Vec::new();
    for verdict in [Some(false), Some(true), None] {
        let first = all.len();
        for row in rows.iter().filter(|row| row.ok == verdict) {
            let found = all[first..].iter_mut().find(|line| line.row.is_like(row));
            if let Some(line) = found {
                line.take(row);
            } else {
                let mut line = Alike {
                    row,
                    to: Vec::new(),
                    at: Vec::new(),
                };
                line.take(row);
                all.push(line);
            }
        }
    }
    all
}

/// All addresses that were tried, each once.
pub fn addresses(rows: &[Row]) -> Vec<&str> {
    let mut all = Vec::new();
    for address in rows.iter().filter_map(|row| row.target().1) {
        once(&mut all, address);
    }
    all
}

impl<'a> Alike<'a> {
    fn take(&mut self, row: &'a Row) {
        let (to, address) = row.target();
        once(&mut self.to, to);
        if let Some(address) = address {
            once(&mut self.at, address);
        }
    }
}

fn once<'a>(all: &mut Vec<&'a str>, one: &'a str) {
    if !all.contains(&one) {
        all.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(leg: &str, case: &str, ok: Option<bool>) -> Row {
        Row {
            ok,
            why: None,
            ..Row::not_tried(leg, case, "refused", "")
        }
    }

    #[test]
    fn what_came_out_alike_is_one_line_that_names_all_it_went_to() {
        let rows = [
            row("Commander at 127.0.0.1:443", "expired", Some(true)),
            row("MetricsService at 127.0.0.1:443", "expired", Some(true)),
            row("Commander at [::1]:443", "expired", Some(true)),
            row("nginx", "old workers", Some(true)),
            row("from another host", "agent", None),
            row("MetricsService at [::1]:443", "expired", Some(false)),
        ];
        let lines = alike(&rows);
        let cases: Vec<_> = lines
            .iter()
            .map(|line| (line.row.case.as_str(), line.row.ok))
            .collect();
        assert_eq!(
            cases,
            [
                ("expired", Some(false)),
                ("expired", Some(true)),
                ("old workers", Some(true)),
                ("agent", None),
            ]
        );
        assert_eq!(lines[0].at, ["[::1]:443"]);
        assert_eq!(lines[1].to, ["Commander", "MetricsService"]);
        assert_eq!(lines[1].at, ["127.0.0.1:443", "[::1]:443"]);
        assert_eq!((&lines[2].to[..], lines[2].at.len()), (&["nginx"][..], 0));
        assert_eq!(addresses(&rows), ["127.0.0.1:443", "[::1]:443"]);
    }

    #[test]
    fn no_row_is_lost() {
        assert!(alike(&[]).is_empty());
        let rows = [
            row("UI at 127.0.0.1:443", "a", Some(true)),
            row("UI at 127.0.0.1:443", "b", Some(true)),
            row("UI at 127.0.0.1:443", "a", None),
        ];
        assert_eq!(alike(&rows).len(), 3);
    }
}
