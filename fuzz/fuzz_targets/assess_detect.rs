#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::run("assess_detect", bytes));
