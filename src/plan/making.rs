//! A plan of certificates in the making.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Content, FileChange};
use super::naming;
use super::placed::change;
use super::step::Fetch;
use crate::answers::Answers;
use crate::certificate::{Enough, Purpose, Recipe};
use crate::error::Problem;
use crate::facts::Facts;
use crate::values::{AbsPath, HostName, SubjectName};

pub(super) struct Making<'a> {
    pub(super) facts: &'a Facts,
    pub(super) answers: &'a Answers,
    pub(super) files: Vec<FileChange>,
    pub(super) notes: Vec<String>,
    /// Agents whose certificate is revoked: they get another one only where that is asked for.
    pub(super) shut_out: BTreeSet<HostName>,
    /// A key that was brought, and is yet to be placed.
    pub(super) fetch: Option<Fetch>,
    /// The same of agents.
    pub(super) fetch_keys: BTreeMap<HostName, Fetch>,
}

impl<'a> Making<'a> {
    pub(super) fn of(facts: &'a Facts, answers: &'a Answers) -> Self {
        Self {
            facts,
            answers,
            files: Vec::new(),
            notes: Vec::new(),
            fetch: None,
            fetch_keys: BTreeMap::new(),
            shut_out: BTreeSet::new(),
        }
    }

    /// How much of its life a certificate of ours needs to have left, to stay.
    pub(super) fn enough(&self) -> Enough {
        match self.answers.orders.renew_within {
            Some(days) => Enough::MoreThanDays(days),
            None => Enough::MoreThanAThird,
        }
    }

    pub(super) fn recipe(
        &self,
        purpose: Purpose,
        common_name: &str,
        names: Vec<SubjectName>,
        days: u32,
    ) -> Result<Recipe, Problem> {
        let subject = self.answers.subject.named(common_name).map_err(|error| {
            Problem::usage(format!(
                "certificates.subject.{}: {}",
                error.field, error.reason
            ))
        })?;
        Ok(Recipe {
            purpose,
            subject,
            names,
            key: self.answers.key,
            days,
            permitted: None,
        })
    }

    /// Where certificates go on this host.
    pub(super) fn certs(&self) -> AbsPath {
        naming::certs(self.answers.generation())
    }

    pub(super) fn place(&mut self, path: &AbsPath, mode: u32, content: Content) {
        self.files.push(change(self.facts, path, mode, content));
    }
}
