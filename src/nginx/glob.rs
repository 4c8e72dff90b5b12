//! Which names a wildcard stands for: `glob(3)` in the C locale, as nginx calls it.

use crate::values::sort_by;

/// Whether an `include` (or another use of `glob(3)`) with `pattern` picks up `path`. Both may
/// hold slashes, which only match slashes; a name that begins with a dot is only matched by a
/// pattern that spells the dot out. Compares bytes.
pub fn glob_match(pattern: &str, path: &str) -> bool {
    let mut patterns = pattern.split('/');
    let mut names = path.split('/');
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) => {
                let hidden =
                    name.starts_with('.') && !pattern.trim_start_matches('\\').starts_with('.');
                if hidden || !component(pattern.as_bytes(), name.as_bytes()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Whether nginx looks for files by `pattern`, rather than opening the one of that name.
pub fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The paths that `pattern` stands for, sorted. `names` lists a folder (its path ends with a
/// slash), `exists` says whether something is at a path.
pub fn expand(
    pattern: &str,
    names: &dyn Fn(&str) -> Result<Vec<String>, String>,
    exists: &dyn Fn(&str) -> bool,
) -> Result<Vec<String>, String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').skip(1) {
        let mut next = Vec::new();
        for folder in found {
            if has_wildcard(part) {
                let names = names(&format!("{folder}/"))?;
                let fits = names.iter().filter(|name| glob_match(part, name));
                next.extend(fits.map(|name| format!("{folder}/{name}")));
            } else {
                next.push(format!("{folder}/{part}"));
            }
        }
        found = next;
    }
    if !pattern.rsplit('/').next().is_some_and(has_wildcard) {
        // A last part without wildcard was taken on trust; what it leads to must exist.
        found.retain(|path| exists(path));
    }
    sort_by(&mut found, Ord::cmp);
    Ok(found)
}

/// Matches one name. On a mismatch it goes back to the last `*` only, so the time is at most
/// the product of both lengths.
fn component(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let advance = match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
                continue;
            }
            Some(_) => one(&pattern[p..], name[n]),
            None => None,
        };
        match (advance, retry) {
            (Some(width), _) => {
                p += width;
                n += 1;
            }
            (None, Some((after_star, eaten))) => {
                retry = Some((after_star, eaten + 1));
                p = after_star;
                n = eaten + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// The length of the pattern's first element, if that matches `byte`. The pattern is not empty.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', set @ ..] => match bracket(set, byte) {
            Some((true, width)) => Some(width + 1),
            Some((false, _)) => None,
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// Whether the set behind `[` holds `byte`, and its length with the closing bracket. None where
/// it is not closed, which makes the `[` a plain character.
fn bracket(set: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(set.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        match &set[at.min(set.len())..] {
            [] => return None,
            [b']', ..] if at > start => return Some((found != negated, at + 1)),
            [b'[', b':', rest @ ..] if class(rest, byte).is_some() => {
                let (holds, width) = class(rest, byte)?;
                found |= holds;
                at += 2 + width;
            }
            rest => {
                let (low, width) = member(rest)?;
                at += width;
                let mut high = low;
                if let [b'-', rest @ ..] = &set[at..]
                    && !matches!(rest, [] | [b']', ..])
                {
                    let (end, width) = member(rest)?;
                    high = end;
                    at += 1 + width;
                }
                found |= (low..=high).contains(&byte);
            }
        }
    }
}

fn member(set: &[u8]) -> Option<(u8, usize)> {
    match set {
        [b'\\', escaped, ..] => Some((*escaped, 2)),
        [byte, ..] => Some((*byte, 1)),
        [] => None,
    }
}

/// Whether the class whose name follows `[:` holds `byte`, and the length of `name:]`.
fn class(rest: &[u8], byte: u8) -> Option<(bool, usize)> {
    let length = rest.windows(2).position(|pair| pair == b":]")?;
    let holds = match &rest[..length] {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"lower" => byte.is_ascii_lowercase(),
        b"upper" => byte.is_ascii_uppercase(),
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    };
    Some((holds, length + 2))
}
