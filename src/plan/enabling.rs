//! Services that run now, and would not be there after the next start of the system.

use super::enable::Enable;
use crate::facts::Facts;

/// `systemctl enable` makes links in the first; for a unit that has a script of System V as well,
/// its helper makes links in the others. What is linked elsewhere is found where it really is.
const REWRITES: [&str; 9] = [
    "/etc/systemd/system",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
];

/// `None`: not asked for, or all of them come up by themselves.
pub(super) fn plan(facts: &Facts, wanted: bool) -> Option<Enable> {
    let units = facts.to_enable();
    (wanted && facts.live && !units.is_empty()).then(|| Enable {
        units,
        rewrites: REWRITES.map(str::to_owned).to_vec(),
    })
}

/// What is proven today holds as long as the services run.
pub(super) fn note(facts: &Facts, wanted: bool) -> Option<String> {
    if wanted && !facts.live {
        return Some(
            "options.enable_services: which services run, only a running system tells; none is \
             enabled in a folder (--root)"
                .to_owned(),
        );
    }
    let enabled = plan(facts, wanted).map_or_else(Vec::new, |plan| plan.units);
    let (lost, command) = facts.lost_at_boot(&enabled)?;
    let or = if !wanted && !facts.to_enable().is_empty() {
        ", or say options: {enable_services: true}"
    } else {
        ""
    };
    Some(format!("{lost}: {command}{or}"))
}
