//! Usage reports of NGINX Plus go to the manager, which shows who it is: the `mgmt` block of the
//! configuration that NGINX loads, merged with what stands there. The lines that are written here
//! are understood by every release that has the block, so an upgrade without a restart makes no
//! difference.

use super::agent_files::AgentFiles;
use super::editor::{Editor, why};
use super::file::{FileChange, Reason};
use super::fitness::{self, Ground};
use super::listeners;
use super::nginx_command;
use super::step::NginxCommand;
use super::to_prove::ReportsProof;
use super::usage_notes;
use super::usage_today::{ENDPOINT, blocks, endpoint, lines, says};
use super::work::edited_files;
use crate::answers::{InstanceAnswers, UsageReporting};
use crate::error::Problem;
use crate::facts::{Facts, Nginx};
use crate::nginx::{Config, Directive, quote};
use crate::values::AbsPath;

/// Stands above a line that switches verification off.
const UNVERIFIED: &str = "# nim-tls: NOT VERIFIED, as usage_reporting.verify is false";

/// What is to be done about them.
pub(super) struct Reports {
    pub(super) files: Vec<FileChange>,
    pub(super) proof: ReportsProof,
    /// The nginx that is to read it; none in a folder.
    pub(super) command: Option<NginxCommand>,
}

impl Reports {
    /// Whether nginx has something new to read, where these files are placed beside.
    pub(super) fn reloads(&self, placed: &[FileChange]) -> bool {
        let ca = self.proof.ca.as_ref();
        let is_read = |file: &&FileChange| Some(&file.path) == ca;
        self.files.iter().any(FileChange::changes)
            || placed.iter().filter(is_read).any(FileChange::changes)
    }
}

/// None where the answers say nothing of it: then NGINX goes on as it does.
pub(super) fn plan(
    facts: &Facts,
    answers: &InstanceAnswers,
    placed: &AgentFiles,
    notes: &mut Vec<String>,
) -> Result<Option<Reports>, Problem> {
    let Some(usage) = &answers.usage else {
        return Ok(None);
    };
    let ground = fitness::ground(facts)?;
    can_report(ground.nginx)?;
    if facts.live {
        fitness::resolves(facts, "usage_reporting.endpoint", &usage.endpoint)?;
    }
    let ca = usage.verify.then(|| trusted(facts, placed)).transpose()?;
    let block = block(ground.config)?;
    let merge = Merge {
        config: ground.config,
        usage,
        ca: ca.as_ref(),
    };
    let files = merge.files(facts, block)?;
    usage_notes::tell(facts, ground.config, usage, block, notes);
    let by_itself = ground
        .nginx
        .is_none_or(|nginx| nginx.build.must_report_usage());
    Ok(Some(Reports {
        files,
        proof: ReportsProof {
            endpoint: usage.endpoint.clone(),
            port: usage.port,
            ca,
            // R31 and R32 say no name unless they are told to.
            says_name: by_itself || block.is_some_and(|block| says(block, "ssl_server_name", "on")),
        },
        command: command(facts, &ground)?,
    }))
}

/// The block is known to what runs, and to what will run after a restart.
fn can_report(nginx: Option<&Nginx>) -> Result<(), Problem> {
    let Some(nginx) = nginx else {
        return Ok(()); // a folder: that is said
    };
    let builds = [Some(&nginx.build), nginx.on_disk.as_ref()];
    let Some(old) = builds
        .into_iter()
        .flatten()
        .find(|build| !build.can_report_usage())
    else {
        return Ok(());
    };
    let newer = nginx.on_disk.as_ref().is_some_and(|next| next != old);
    let remedy = if newer {
        "systemctl restart nginx"
    } else {
        "take usage_reporting out of the answers, or install NGINX Plus R31 or later"
    };
    Err(Problem::host(format!(
        "usage_reporting needs the mgmt block, which NGINX Plus has from R31 on, and this is {old}"
    ))
    .remedy(remedy))
}

/// What the receiver is verified with. Before R33 there is no other way than a file, so the
/// system's own authorities are named as one too.
fn trusted(facts: &Facts, placed: &AgentFiles) -> Result<AbsPath, Problem> {
    let system = || facts.trust_store.is()?.bundle.parse().ok();
    placed.ca.clone().or_else(system).ok_or_else(|| {
        Problem::host(
            "usage_reporting.verify: nothing is known that the manager could be verified with",
        )
        .remedy("name the authority's certificate: certificates: {agent: {ca: PATH}}")
    })
}

fn block(config: &Config) -> Result<Option<&Directive>, Problem> {
    let mut blocks = blocks(config);
    let first = blocks.next();
    let pairs = blocks.next().map(|second| ("mgmt block", second));
    let mut reports = first.into_iter().flat_map(|one| lines(one, "usage_report"));
    let pairs = pairs.or_else(|| reports.nth(1).map(|second| ("usage_report line", second)));
    let Some((what, second)) = pairs else {
        return Ok(first);
    };
    let place = config.shown(&second.at);
    let other = first.map_or_else(String::new, |first| config.shown(&first.at));
    Err(Problem::host(format!(
        "{place} is a second {what}, beside what begins at {other}: nginx takes one"
    ))
    .remedy(format!("take one of them out: sudoedit {place}")))
}

/// How another process of the nginx that runs is started.
fn command(facts: &Facts, ground: &Ground<'_>) -> Result<Option<NginxCommand>, Problem> {
    let Some(nginx) = ground.nginx.filter(|_| facts.live) else {
        return Ok(None);
    };
    let http = listeners::http(facts, ground.config);
    if let Some(http) = &http {
        fitness::ports(facts, ground.config, http, &[])?;
    }
    let master = fitness::master(nginx)?;
    let command = nginx_command::of(ground, nginx, master, http.as_ref());
    Ok(Some(command))
}

struct Merge<'a> {
    config: &'a Config,
    usage: &'a UsageReporting,
    ca: Option<&'a AbsPath>,
}

impl<'a> Merge<'a> {
    fn files(
        &self,
        facts: &Facts,
        block: Option<&'a Directive>,
    ) -> Result<Vec<FileChange>, Problem> {
        let mut editor = Editor::new(self.config);
        match block {
            Some(block) => self.merge(&mut editor, block)?,
            None => self.append(&mut editor)?,
        }
        edited_files(facts, self.config, editor)
    }

    /// The lines with the reason of each.
    fn lines(&self) -> Result<Vec<(String, Reason)>, Problem> {
        let to = self.usage.receiver();
        let mut lines = vec![(
            format!("usage_report {ENDPOINT}{to};"),
            why("usage-endpoint", &to),
        )];
        if let Some(ca) = self.ca {
            lines.push(("ssl_verify on;".to_owned(), self.verified()));
            let line = format!("ssl_trusted_certificate {};", written(ca)?);
            lines.push((line, why("usage-ca", ca)));
        } else {
            let off = [UNVERIFIED, "ssl_verify off;"];
            lines.extend(off.map(|line| (line.to_owned(), self.verified())));
        }
        Ok(lines)
    }

    fn verified(&self) -> Reason {
        let id = if self.usage.verify {
            "usage-verify"
        } else {
            "usage-unverified"
        };
        why(id, &self.usage.endpoint)
    }

    /// A block of our own, last in the main file.
    fn append(&self, editor: &mut Editor<'a>) -> Result<(), Problem> {
        let last =
            self.config.main.last().ok_or_else(|| {
                Problem::host("the main file of nginx is empty").remedy("nginx -T")
            })?;
        let reason = why("usage-block", "");
        let mut put = |line: String, reason: &Reason| editor.insert_after(last, &[line], reason);
        put("\nmgmt {".to_owned(), &reason)?;
        for (line, why) in &self.lines()? {
            put(format!("    {line}"), why)?;
        }
        put("}".to_owned(), &reason)
    }

    fn merge(&self, editor: &mut Editor<'a>, block: &'a Directive) -> Result<(), Problem> {
        let to = format!("{ENDPOINT}{}", self.usage.receiver());
        let reason = why("usage-endpoint", &self.usage.receiver());
        match lines(block, "usage_report").next() {
            None => editor.insert_at_start(block, &[format!("usage_report {to};")], &reason)?,
            Some(line) => match endpoint(line) {
                Some(found) if found == to => {}
                Some(found) => editor.exchange(line, found, &to, &reason)?,
                None if line.args.is_empty() => editor.set_args(line, &to, &reason)?,
                None => editor.append_arg(line, &to, &reason)?,
            },
        }
        // Without TLS there is nobody to verify, and the manager takes nothing.
        for line in lines(block, "ssl").filter(|line| line.arg(0) == Some("off")) {
            editor.set_args(line, "on", &reason)?;
        }
        match self.ca {
            Some(ca) => self.verify(editor, block, ca),
            None => self.trust_anybody(editor, block),
        }
    }

    fn verify(
        &self,
        editor: &mut Editor<'a>,
        block: &'a Directive,
        ca: &AbsPath,
    ) -> Result<(), Problem> {
        let verified = self.verified();
        for line in lines(block, "ssl_verify") {
            editor.take_out_comment(line, UNVERIFIED, &verified)?;
        }
        editor.set(block, "ssl_verify", "on", &verified, "usage_report")?;
        // Beside the one before, be it there or only just written.
        let anchors = ["ssl_verify", "usage_report"];
        let there = |name: &&str| block.children().iter().any(|line| line.name == **name);
        let anchor = anchors.into_iter().find(there).unwrap_or_default();
        let (name, path) = ("ssl_trusted_certificate", written(ca)?);
        editor.set(block, name, &path, &why("usage-ca", ca), anchor)?;
        // The certificate is for the endpoint, which is what counts without this line.
        let name = self.usage.endpoint.as_str();
        let other = |line: &&Directive| line.arg(0) != Some(name);
        for line in lines(block, "ssl_name").filter(other) {
            editor.take_out(line, &verified)?;
        }
        // One intermediate stands between the manager's certificate and the root: the default
        // lets it pass.
        for line in lines(block, "ssl_verify_depth").filter(|line| line.arg(0) == Some("0")) {
            editor.set_args(line, "1", &verified)?;
        }
        Ok(())
    }

    fn trust_anybody(&self, editor: &mut Editor<'a>, block: &'a Directive) -> Result<(), Problem> {
        let reason = self.verified();
        let comment = [UNVERIFIED.to_owned()];
        let Some(line) = lines(block, "ssl_verify").next() else {
            let [comment] = comment;
            let lines = [comment, "ssl_verify off;".to_owned()];
            return editor.insert_behind(block, &["usage_report"], &lines, &reason);
        };
        let text = &self.config.file(line.at.file).text;
        if !text.lines().any(|line| line.trim() == UNVERIFIED) {
            editor.insert_before(line, &comment, &reason)?;
        }
        match line.arg(0) {
            Some("off") => Ok(()),
            _ => editor.set_args(line, "off", &reason),
        }
    }
}

fn written(path: &AbsPath) -> Result<String, Problem> {
    quote(path.as_str()).map_err(|error| {
        Problem::host(format!("{path} cannot be named to nginx: {error}"))
            .remedy("give the file another name")
    })
}
