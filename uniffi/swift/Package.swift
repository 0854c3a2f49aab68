// swift-tools-version:5.9

import PackageDescription

// `build.sh` makes both targets.
let package = Package(
    name: "Sottovoce",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Sottovoce", targets: ["Sottovoce"])
    ],
    targets: [
        .binaryTarget(name: "SottovoceFFI", path: "SottovoceFFI.xcframework"),
        .target(name: "Sottovoce", dependencies: ["SottovoceFFI"]),
    ]
)
