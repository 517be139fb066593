//! The service indicator of the validated module, read around every call this crate makes.
//!
//! FIPS 140-3 asks a module to say, per service call, whether the service was an approved one. AWS-LC FIPS 3.1.0
//! keeps a counter per thread which goes up when an approved service completes. `bracket` reads it before and
//! after one call, on the same thread, and compares what it saw with the [`Row`] of that call:
//!
//! - a difference raises the row's count, which [`mismatches`] shows to the operator for as long as the process
//!   lives (a healthy process has none);
//! - [`record`] collects every observation made on the current thread while a closure runs; the tests prove a
//!   handshake with it, and an operator's self-check may.
//!
//! This file must never change what a call returns. It holds the only `unsafe` of the crate.

use core::cell::RefCell;

use crate::rows::{ROWS, Row};

/// One bracketed call of the module: which row it belongs to and whether the indicator went up.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// The approval row of the service.
    pub row: &'static Row,
    /// Whether the module's indicator went up during the call.
    pub raised: bool,
}

impl Observation {
    /// Whether the indicator did what the row says it does.
    #[must_use]
    pub fn as_expected(&self) -> bool {
        self.raised == self.row.indicator.raised_by_the_call()
    }
}

thread_local! {
    static RECORDER: RefCell<Option<Vec<Observation>>> = const { RefCell::new(None) };
}

/// Runs one service of the module and notes whether the indicator went up.
///
/// Only successful calls are noted: a refused one (a bad tag, an invalid point) is no service and raises nothing.
#[inline]
pub(crate) fn bracket<T, E>(
    row: &'static Row,
    service: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let (result, raised) = measure(service);
    if result.is_ok() {
        note(Observation { row, raised });
    }
    result
}

fn note(observation: Observation) {
    if !observation.as_expected() {
        observation.row.count_unexpected();
    }
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(observations) = recorder {
            observations.push(observation);
        }
    });
}

/// Runs `work` and returns what it returned together with every observation made on this thread meanwhile.
///
/// Recordings do not nest: an inner one takes over, and the outer one ends there.
pub fn record<T>(work: impl FnOnce() -> T) -> (T, Vec<Observation>) {
    RECORDER.set(Some(Vec::new()));
    let result = work();
    (result, RECORDER.take().unwrap_or_default())
}

/// Runs `work` and says whether the module's indicator went up on this thread meanwhile, whatever the rows say.
///
/// For the test that compares the table with the module, and for services that have a row but no component.
#[inline]
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, bool) {
    let before = counter_before();
    let result = work();
    let raised = counter_after() != before;
    (result, raised)
}

/// The rows whose indicator did something else than the row says since the process started, with how often.
pub fn mismatches() -> impl Iterator<Item = (&'static Row, u64)> {
    ROWS.iter()
        .map(|row| (*row, row.unexpected()))
        .filter(|(_, count)| *count > 0)
}

#[expect(
    unsafe_code,
    reason = "the service indicator is reachable only as a C function"
)]
#[inline]
fn counter_before() -> u64 {
    // SAFETY: takes no argument, reads (and on first use creates) a counter that belongs to the calling thread,
    // and may be called at any time; `unsafe` only because it is an `extern "C"` function.
    unsafe { aws_lc_fips_sys::FIPS_service_indicator_before_call() }
}

#[expect(
    unsafe_code,
    reason = "the service indicator is reachable only as a C function"
)]
#[inline]
fn counter_after() -> u64 {
    // SAFETY: as `counter_before`.
    unsafe { aws_lc_fips_sys::FIPS_service_indicator_after_call() }
}
