//! Changes an input into another one, which is near to it or larger than anybody thought.

/// No input is larger.
pub(crate) const LARGEST: usize = 64 * 1024;

/// Random numbers that begin at a seed: `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let number = self.next().checked_rem(limit).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    /// One of these, which are not none.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A stretch of a text of this length, mostly a short one.
    fn stretch(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let most = [4, 16, 64, length][self.below(4)];
        let end = start + self.below(most.min(length - start) + 1);
        start..end
    }
}

/// Bytes at which formats change their mind.
const BYTES: &[u8] = b"\0\t\n\r \"#$&'*+-./0:;<>?[\\]_`{|}~\x7f\x80\xc3\xff";
/// Numbers that are one too many.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "1e999",
    "0.5",
    "00",
];
/// Characters that do not show, or are longer than they look.
const CHARACTERS: [&str; 7] = [
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "\u{e0041}",
    "é",
    "\u{2028}",
    "\u{1f600}",
];
const BRACKETS: [(&str, &str); 5] = [
    ("[", "]"),
    ("{", "}"),
    ("{\"a\":", "}"),
    ("a {", "}"),
    ("(", ")"),
];

/// An input made of those in `pool`, of `words`, and of chance.
pub(super) fn mutated(random: &mut Random, pool: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut input = random.one_of(pool).clone();
    // Mostly one change, sometimes many: what comes late in a reader is only reached where all
    // before it still holds.
    for _ in 0..1 << random.below(4) {
        change(random, &mut input, pool, words);
        input.truncate(LARGEST);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, pool: &[Vec<u8>], words: &[&str]) {
    let length = input.len();
    let at = random.below(length + 1);
    match random.below(120) {
        0..10 => {
            let mask = 1 << random.below(8);
            input.get_mut(at).into_iter().for_each(|byte| *byte ^= mask);
        }
        10..20 => {
            let new = byte(random);
            input.get_mut(at).into_iter().for_each(|byte| *byte = new);
        }
        20..28 => input.insert(at, byte(random)),
        28..36 => drop(input.drain(random.stretch(length))),
        36..44 => {
            let slice = input[random.stretch(length)].to_vec();
            input.splice(at..at, slice);
        }
        44..50 => {
            let other = random.one_of(pool);
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        50..58 => {
            let other = random.one_of(pool);
            let slice = other[random.stretch(other.len())].to_vec();
            input.splice(at..at, slice);
        }
        58..70 => {
            let word = *random.one_of(words);
            input.splice(at..at, word.bytes());
        }
        70..80 => {
            let word = *random.one_of(words);
            input.splice(random.stretch(length), word.bytes());
        }
        80..88 => number(random, input, at),
        88..93 => {
            let text = random.one_of(&CHARACTERS);
            input.splice(at..at, text.bytes());
        }
        93..104 => lines(random, input, words),
        104..108 => input.truncate(at),
        108..112 => {
            let range = random.stretch(length);
            input.splice(range.clone(), vec![byte(random); range.len()]);
        }
        112..118 => {
            let word = *random.one_of(words);
            let few = 1 + random.below(40);
            input.splice(at..at, word.repeat(few).bytes());
        }
        _ => large(random, input, at, words),
    }
}

fn byte(random: &mut Random) -> u8 {
    match random.below(2) {
        0 => *random.one_of(BYTES),
        _ => random.byte(),
    }
}

/// Another number in place of the first one behind `at`.
fn number(random: &mut Random, input: &mut Vec<u8>, at: usize) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    if let Some(found) = input[at..].iter().position(is_digit) {
        let rest = &input[at + found..];
        let digits = rest.iter().take_while(|byte| is_digit(byte)).count();
        let number = random.one_of(&NUMBERS);
        input.splice(at + found..at + found + digits, number.bytes());
    }
}

/// A line goes, comes twice, stands elsewhere, or is a new one.
fn lines(random: &mut Random, input: &mut Vec<u8>, words: &[&str]) {
    let word = [random.one_of(words).as_bytes(), b"\n"].concat();
    let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    let count = lines.len();
    if count < 2 {
        return;
    }
    let (one, other) = (random.below(count), random.below(count));
    match random.below(4) {
        0 => drop(lines.remove(one)),
        3 => lines.insert(one, &word),
        1 => lines.insert(other, lines[one]),
        _ => lines.swap(one, other),
    }
    *input = lines.concat();
}

/// Something again and again, or brackets within each other.
fn large(random: &mut Random, input: &mut Vec<u8>, at: usize, words: &[&str]) {
    let times = 1 << (4 + random.below(13));
    let many = |text: &str| text.repeat(times.min(LARGEST / text.len().max(1)));
    let text = match random.below(4) {
        0 => {
            let word = *random.one_of(words);
            many(word)
        }
        1 => {
            let slice = input[random.stretch(input.len())].to_vec();
            let times = times.min(LARGEST / slice.len().max(1));
            input.splice(at..at, slice.repeat(times));
            return;
        }
        brackets => {
            let (open, close) = *random.one_of(&BRACKETS);
            let close = if brackets == 2 { close } else { "" };
            many(open) + &many(close)
        }
    };
    input.splice(at..at, text.bytes());
}
