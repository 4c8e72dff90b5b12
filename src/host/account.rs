//! Accounts by name and number, from the files of the machine (`passwd(5)`, `group(5)`).

use std::path::Path;

use super::file::Owner;
use super::look::read;
use super::tree::Tree;

/// Far more than the account files of a host with local accounts ever take.
const LIMIT: u64 = 16 << 20;

/// The numbers that `name` stands for: a name, a number, or two numbers with a colon.
pub(super) fn user(tree: &Tree, name: &str) -> Option<Owner> {
    match name.split_once(':') {
        Some((user, group)) => Some(Owner {
            user: user.parse().ok()?,
            group: group.parse().ok()?,
        }),
        None => lookup(&text(tree, "/etc/passwd"), name).or_else(|| {
            let number = name.parse().ok()?;
            Some(Owner {
                user: number,
                group: number,
            })
        }),
    }
}

/// The account with this name or number in text of the form of `/etc/passwd`.
pub(super) fn lookup(passwd: &str, name: &str) -> Option<Owner> {
    passwd.lines().find_map(|line| {
        let account = Account::parse(line)?;
        let numbers = Owner {
            user: account.user,
            group: account.group,
        };
        (account.name == name || account.user.to_string() == name).then_some(numbers)
    })
}

/// Somebody in a group; `user` is `None` where the account is in no file.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) user: Option<u32>,
}

/// Who is in a group: those it lists, and those whose account has it as its own group. `None`
/// for a group that these files do not know, and so cannot tell the members of.
pub(super) fn members(tree: &Tree, group: u32) -> Option<Vec<Member>> {
    let groups = text(tree, "/etc/group");
    let listed = groups.lines().find_map(|line| {
        let mut fields = line.split(':').skip(2);
        (fields.next()?.parse() == Ok(group)).then(|| fields.next().unwrap_or_default())
    })?;
    let passwd = text(tree, "/etc/passwd");
    let own = passwd
        .lines()
        .filter_map(Account::parse)
        .filter(|account| account.group == group)
        .map(|account| account.name);
    let names = listed
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .chain(own);
    let member = |name: &str| Member {
        name: name.to_owned(),
        user: lookup(&passwd, name).map(|owner| owner.user),
    };
    Some(names.map(member).collect())
}

struct Account<'a> {
    name: &'a str,
    user: u32,
    group: u32,
}

impl<'a> Account<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { name, user, group })
    }
}

fn text(tree: &Tree, path: &str) -> String {
    // A tree without account files has no accounts.
    let bytes = read(tree, Path::new(path), LIMIT).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
