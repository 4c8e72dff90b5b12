//! Fuzzing in time boxes, on stable Rust and as ordinary tests.
//!
//! It is not guided by coverage: nothing says which branch an input took. What stands in for that
//! are a corpus of real inputs, the words of each format, and a pool: an input that was taken is
//! changed further. So it is good at what lies within a few changes of real files, and at sheer
//! size and depth; it will not find its way through a checksum.
//!
//! `NIM_TLS_FUZZ_SECONDS`: how much processor time each target is given (2 seconds where it is not
//! set, which is what a plain `cargo test` does). `NIM_TLS_FUZZ_SEED`: where the random numbers
//! begin; without it the short form always begins at the same place, and the long form at the time
//! of day.
#![expect(clippy::disallowed_methods, reason = "time boxes are measured")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutator;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use mutator::mutated;
pub(crate) use mutator::{LARGEST, Random};

const USUAL_SECONDS: u64 = 2;
const USUAL_SEED: u64 = 1;
/// Inputs that were taken, kept to be changed further.
const POOL: usize = 200;
/// After so much of anybody's time an input is taken to go on for ever. A test cannot end its own
/// thread, so the process ends, and says of what.
const FOR_EVER: Duration = Duration::from_secs(60);
/// Of anybody's time a target may take so many times what it is given of its own.
const BUSY: u32 = 20;

/// One reader of what others wrote, and inputs to begin with.
pub(crate) struct Fuzz {
    pub name: &'static str,
    pub corpus: Vec<Vec<u8>>,
    /// What the format is made of.
    pub words: &'static [&'static str],
    /// The most processor time that one input may take: that of this thread, so that a busy
    /// machine makes no difference.
    pub most: Duration,
}

/// Seconds for each target, and whether somebody asked for more than the usual ones.
fn seconds() -> (u64, bool) {
    let asked = std::env::var("NIM_TLS_FUZZ_SECONDS").ok();
    let seconds = asked.map_or(USUAL_SECONDS, |text| text.parse().unwrap());
    (seconds, seconds > USUAL_SECONDS)
}

/// Whether this is the long form, which tries all of what the usual one takes a sample of.
pub(crate) fn is_long() -> bool {
    seconds().1
}

/// Places at which a text of this length is cut: 300 of them, or in the long form all.
pub(crate) fn cuts(length: usize) -> Vec<usize> {
    const SHORT: usize = 300;
    if is_long() || length <= SHORT {
        return (0..length).collect();
    }
    // The last bytes are where a cut is least seen.
    let spread = (0..SHORT - 20).map(|at| at * (length - 20) / (SHORT - 20));
    spread.chain(length - 20..length).collect()
}

/// What is at work, for whoever waits for it.
type AtWork = Arc<Mutex<(Instant, Vec<u8>)>>;

impl Fuzz {
    /// Gives inputs to `target` until the time is over. `target` says whether it took its input,
    /// and panics where what it promises does not hold; then the input is printed as a literal.
    /// Where no changed input was taken, nothing was shown, and that is a failure as well.
    pub(crate) fn run(self, target: impl FnMut(&[u8]) -> bool) {
        let (seconds, long) = seconds();
        self.run_for(Duration::from_secs(seconds), long, target);
    }

    fn run_for(self, time: Duration, long: bool, mut target: impl FnMut(&[u8]) -> bool) {
        let by_clock = || u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
        let seed = match std::env::var("NIM_TLS_FUZZ_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) if long => by_clock(),
            Err(_) => USUAL_SEED,
        };
        let at_work: AtWork = Arc::new(Mutex::new((Instant::now(), Vec::new())));
        let watching = self.watch(&at_work);
        let mut random = Random::new(seed);
        let mut pool = self.corpus.clone();
        let (mut tried, mut taken) = (0_u64, 0_u64);
        let mut slowest = Duration::ZERO;
        // Its own time, so that a busy machine tries as much as an idle one.
        let (end, at_last) = (processor_time() + time, Instant::now() + time * BUSY);
        let mut as_they_are = self.corpus.clone().into_iter();
        while processor_time() < end && Instant::now() < at_last {
            let (input, is_new) = match as_they_are.next() {
                Some(input) => (input, false),
                None => (mutated(&mut random, &pool, self.words), true),
            };
            *at_work.lock().unwrap() = (Instant::now(), input.clone());
            let began = processor_time();
            let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
            let took = processor_time().saturating_sub(began);
            let was_taken = outcome.unwrap_or_else(|panic| {
                self.tell(seed, &input);
                resume_unwind(panic)
            });
            if took > self.most {
                self.tell(seed, &input);
                panic!("{} bytes took {took:?}, not {:?}", input.len(), self.most);
            }
            slowest = slowest.max(took);
            tried += 1;
            if is_new && was_taken {
                taken += 1;
                if pool.len() < self.corpus.len() + POOL {
                    pool.push(input);
                } else {
                    let place = self.corpus.len() + random.below(POOL);
                    pool[place] = input;
                }
            }
        }
        drop(watching);
        println!(
            "fuzz {}: {tried} inputs, {taken} taken, slowest {slowest:?}, seed {seed}",
            self.name
        );
        assert!(
            taken > 0,
            "{}: nothing was taken of {tried} inputs",
            self.name
        );
    }

    fn tell(&self, seed: u64, input: &[u8]) {
        println!("{}", literal(self.name, seed, input));
    }

    /// Ends the process where one input goes on for ever. Until what is given back is dropped.
    fn watch(&self, at_work: &AtWork) -> Sender<()> {
        let (stay, leave) = channel::<()>();
        let (name, at_work) = (self.name, Arc::clone(at_work));
        std::thread::spawn(move || {
            while leave.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                let (began, input) = &*at_work.lock().unwrap();
                if began.elapsed() > FOR_EVER {
                    // Past what keeps the output of tests, which ends with the process.
                    let said = literal(name, 0, input);
                    let _ = writeln!(std::io::stderr(), "goes on for ever: {said}");
                    std::process::abort();
                }
            }
        });
        stay
    }
}

fn literal(name: &str, seed: u64, input: &[u8]) -> String {
    format!("fuzz {name}, seed {seed}: b\"{}\"", input.escape_ascii())
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

const A_LITTLE: Duration = Duration::from_millis(100);

/// Red where `Fuzz::run` no longer counts what was taken, or no longer looks at the time.
#[test]
#[should_panic(expected = "nothing was taken")]
fn a_target_that_takes_nothing_is_no_test() {
    small("refuses").run_for(A_LITTLE, false, |_| false);
}

#[test]
#[should_panic(expected = "bytes took")]
fn an_input_that_takes_too_long_is_a_failure() {
    let fuzz = Fuzz {
        most: Duration::from_millis(1),
        ..small("slow")
    };
    fuzz.run_for(A_LITTLE, false, |_| {
        let began = processor_time();
        while processor_time().saturating_sub(began) < Duration::from_millis(2) {}
        true
    });
}

#[test]
fn the_same_seed_gives_the_same_inputs() {
    let inputs = |seed| {
        let mut random = Random::new(seed);
        let pool = [b"a: [b, c]\nd: 443\n".to_vec()];
        let input = |_| mutated(&mut random, &pool, &["x"]);
        (0..500).map(input).collect::<Vec<_>>()
    };
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
    let distinct: std::collections::BTreeSet<_> = inputs(7).into_iter().collect();
    assert!(distinct.len() > 400, "{}", distinct.len());
    assert!(distinct.iter().all(|input| input.len() <= LARGEST));
}

fn small(name: &'static str) -> Fuzz {
    Fuzz {
        name,
        corpus: vec![b"a".to_vec()],
        words: &["x"],
        most: Duration::from_secs(1),
    }
}
