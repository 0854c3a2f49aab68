//! Writes the Kotlin and Swift side of the bindings: `uniffi-bindgen generate --help`.

fn main() {
    uniffi::uniffi_bindgen_main();
}
