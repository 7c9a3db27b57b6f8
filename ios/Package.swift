// swift-tools-version: 6.0
// Pannier for Swift. `ios/prepare` makes what is not kept in the repository: the bindings in
// Sources/PannierBindings/Generated, and the C part in PannierFFI. On Apple's systems the C part and
// the native library come in one XCFramework, which `ios/build-xcframework` makes.
import PackageDescription

#if canImport(Darwin)
let native: Target = .binaryTarget(name: "PannierFFI", path: "PannierFFI.xcframework")
let library: [LinkerSetting] = []
#else
let native: Target = .systemLibrary(name: "PannierFFI", path: "PannierFFI")
let folder = "\(Context.packageDirectory)/PannierFFI"
let library: [LinkerSetting] = [
    .linkedLibrary("pannier_ffi"),
    .unsafeFlags(["-L\(folder)", "-Xlinker", "-rpath", "-Xlinker", folder]),
]
#endif

let package = Package(
    name: "Pannier",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Pannier", targets: ["Pannier"]),
        // An LRS in memory and its failures, for the tests of apps.
        .library(name: "PannierTesting", targets: ["PannierTesting"]),
    ],
    targets: [
        native,
        // What uniffi makes is written for Swift 5.
        .target(
            name: "PannierBindings",
            dependencies: ["PannierFFI"],
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: library
        ),
        .target(
            name: "Pannier",
            dependencies: ["PannierBindings"],
            resources: [.copy("PrivacyInfo.xcprivacy")]
        ),
        .target(name: "PannierTesting", dependencies: ["Pannier"]),
        .target(name: "Checkin", dependencies: ["Pannier"], path: "Sample/Checkin"),
        .executableTarget(name: "checkin-command", dependencies: ["Checkin"], path: "Sample/Command"),
        .testTarget(name: "PannierTests", dependencies: ["Pannier", "PannierTesting", "Checkin"]),
    ]
)
