//! Which lines tell of today's trouble with the manager, and which stand aside.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::line::Line;
use super::rule::{Mark, Rule};
use super::sites::OtherSites;
use crate::facts::Facts;
use crate::plan::{BeforeManager, PROOF_METHOD};

/// What was last seen longer ago is told, and counts as over.
pub(super) const LONG_AGO: i64 = 24 * 60 * 60;
/// In what nginx says when it does not take its configuration.
static REFUSED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("[emerg]"));
/// Nobody but the proof calls that.
static PROOF: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PROOF_METHOD));
/// When nginx took it is known to the second only.
const SAME_MOMENT: i64 = 2;
/// Who tries again and again tells of it more often than this.
const WITHOUT: i64 = 60 * 60;

static NO_SITES: LazyLock<OtherSites> = LazyLock::new(OtherSites::default);

/// What tells the trouble of a host from what is over or none of the manager's.
#[derive(Debug, Default)]
pub(super) struct OfHost {
    /// When this program has last changed it (seconds since 1970): its logs of before are over.
    changed_at: Option<i64>,
    /// When its nginx has last taken its configuration: what it refused before was mended.
    pub(super) loaded_at: Option<i64>,
    sites: OtherSites,
}

impl OfHost {
    pub(super) fn of(facts: &Facts, before: &BeforeManager, changed_at: Option<i64>) -> Self {
        let nginx = facts.nginx.is();
        let master = nginx.and_then(|nginx| nginx.master.as_ref());
        Self {
            changed_at,
            loaded_at: master.and_then(|master| master.loaded_at),
            sites: OtherSites::on(facts, before),
        }
    }
}

/// Judges the lines of the host whose files are being read.
pub(super) struct Judge<'a> {
    now: i64,
    since: Option<i64>,
    zone: i64,
    /// The addresses from which this host connects to itself.
    own: &'a BTreeSet<IpAddr>,
    changed_at: Option<i64>,
    loaded_at: Option<i64>,
    sites: &'a OtherSites,
}

/// Why a line is of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// This program has changed the host since.
    Changed,
    /// nginx has taken its configuration since.
    Loaded,
    /// Who would say it again has said other things for long.
    WentOn,
    LongAgo,
}

/// How a line counts.
pub(super) struct Judged {
    /// When it was written.
    pub(super) at: Option<i64>,
    /// It came from this host itself.
    pub(super) own: bool,
    /// It is about another site.
    pub(super) of_site: bool,
    pub(super) over: Option<Over>,
}

impl Judged {
    /// It tells of no trouble that this host has now.
    pub(super) fn is_aside(&self) -> bool {
        self.own || self.of_site || self.over.is_some()
    }
}

impl<'a> Judge<'a> {
    /// Of files of which nothing is known. `now` and `since`: seconds since 1970; `zone`: how far
    /// nginx's clock is ahead of UTC.
    pub(super) fn new(now: i64, since: Option<i64>, zone: i64, own: &'a BTreeSet<IpAddr>) -> Self {
        Self {
            now,
            since,
            zone,
            own,
            changed_at: None,
            loaded_at: None,
            sites: &NO_SITES,
        }
    }

    /// The files that follow are of a host of which this is known, or of one of which nothing is.
    pub(super) fn of_host(&mut self, known: Option<&'a OfHost>) {
        self.changed_at = known.and_then(|host| host.changed_at);
        self.loaded_at = known.and_then(|host| host.loaded_at);
        self.sites = known.map_or(&NO_SITES, |host| &host.sites);
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.now
    }

    /// When a line was written.
    pub(super) fn written_at(&self, line: &Line<'_>) -> Option<i64> {
        line.written_at(self.zone)
    }

    /// Nothing of before is looked for.
    pub(super) fn since(&self) -> Option<i64> {
        self.since
    }

    /// `newest`: when the last line of the file was written. `None`: it is passed over.
    pub(super) fn judged(
        &self,
        rule: &Rule,
        line: &Line<'_>,
        newest: Option<i64>,
    ) -> Option<Judged> {
        let at = self.written_at(line);
        let is_before = |limit: i64| at.is_some_and(|at| at < limit);
        if self.since.is_some_and(is_before) {
            return None;
        }
        let is_own = |from: IpAddr| from.is_loopback() || self.own.contains(&from);
        let is_own = line.client().is_some_and(is_own);
        if is_own && PROOF.find(line.text).is_some() {
            return None;
        }
        let own = rule.is(Mark::Provoked) && is_own;
        let loaded = self.loaded_at.filter(|at| is_before(at - SAME_MOMENT));
        let loaded_since = loaded.is_some() && REFUSED.find(line.text).is_some();
        let newest = newest.filter(|_| rule.is(Mark::Retried));
        let went_on = newest.is_some_and(|newest| is_before(newest - WITHOUT));
        let reasons = [
            (self.changed_at.is_some_and(is_before), Over::Changed),
            (loaded_since, Over::Loaded),
            (went_on, Over::WentOn),
            (is_before(self.now - LONG_AGO), Over::LongAgo),
        ];
        // Whoever asks for a time asks for what was then.
        let reasons = reasons.into_iter().filter(|_| self.since.is_none());
        let over = reasons.into_iter().find(|(holds, _)| *holds);
        Some(Judged {
            at,
            own,
            of_site: self.sites.is_of(line.text),
            over: over.map(|(_, why)| why),
        })
    }
}
