#!/bin/sh
# Builds the Swift package. Runs on macOS with Xcode and rustup.
set -eu
cd "$(dirname "$0")"
target=$(pwd)/../../target
targets="aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin"

# The generator reads what it writes from a built library.
cargo build --locked --package sottovoce-uniffi --features bindgen
written=$target/swift
"$target/debug/uniffi-bindgen" generate --language swift --out-dir "$written" \
    "$target/debug/libsottovoce_uniffi.dylib"
mkdir -p Sources/Sottovoce "$written/headers"
cp "$written/Sottovoce.swift" Sources/Sottovoce/
cp "$written/SottovoceFFI.h" "$written/headers/"
cp "$written/SottovoceFFI.modulemap" "$written/headers/module.modulemap"

rustup target add $targets
set --
for name in $targets; do
    cargo rustc --locked --release --lib --package sottovoce-uniffi --crate-type staticlib \
        --target "$name" --target-dir "$target"
    set -- "$@" -library "$target/$name/release/libsottovoce_uniffi.a" -headers "$written/headers"
done
rm -rf SottovoceFFI.xcframework
xcodebuild -create-xcframework "$@" -output SottovoceFFI.xcframework
