// The desk at the door of a field workshop: it checks people in without a network, and delivers when
// there is one. `ios/checkin` runs it in a terminal; CheckinApp.swift is the same for a tablet.

import Foundation
import Pannier

/// One workshop, and the collector that remembers who came.
public struct Checkin: Sendable {
    /// What is said back to the person at the desk.
    public enum Said: Equatable, Sendable {
        case welcome(String)
        case alreadyHere(String)
        case nobody
    }

    let collector: Collector
    let workshop: XapiActivity
    /// The registration: this workshop, held this once. Ids are made from it and the name on a badge, so
    /// that a badge shown twice is the same statement twice, which changes nothing.
    let session: UUID

    public init(collector: Collector, workshop: String, session: UUID) {
        self.collector = collector
        self.workshop = XapiActivity("https://example.com/workshops/\(workshop)")
            .name("en", "Workshop \(workshop)")
        self.session = session
    }

    /// Checks in whoever wears this badge.
    public func checkIn(badge: String) async throws -> Said {
        let badge = badge.trimmingCharacters(in: .whitespaces)
        guard !badge.isEmpty else { return .nobody }
        let id = session.derived(from: badge)
        do {
            let recorded = try await collector.record(
                .attended(workshop)
                .actor(.account(homePage: "https://example.com/badges", name: badge))
                .id(id)
                .context(XapiContext().registration(session).platform("check-in desk"))
            )
            return recorded.isNew ? .welcome(badge) : .alreadyHere(badge)
        } catch PannierError.otherContent {
            // The same badge at another time of day.
            return .alreadyHere(badge)
        }
    }

    /// Delivers what it can, and says how it went in one line.
    public func deliver() async throws -> String {
        guard try await collector.readStatus().endpoint != nil else {
            return "They are delivered once PANNIER_LRS names an LRS."
        }
        let report = try await collector.sync()
        let rest = switch report.ended {
        case .emptied: ""
        case .waiting(let until, _, _): " The rest is safe; the next try may be at \(until)."
        case .needsApp(let trouble): " The rest is safe, but: \(trouble.problem) \(trouble.words)"
        case .busy, .interrupted: " The rest is safe."
        }
        return "\(report.delivered) delivered.\(rest)"
    }

    /// The check-ins that are on the device and not yet delivered.
    public func undelivered() async throws -> String {
        try await collector.readStatus().inWords
    }
}

extension Status {
    /// What is not delivered yet, what of it comes back by itself, and whether somebody has to look at it.
    public var inWords: String {
        let apart = [
            waiting > 0 ? "\(waiting) of them come later" : nil,
            held > 0 ? "\(held) of them the LRS refuses" : nil,
        ].compactMap { $0 }
        let words = "\(undelivered) not delivered yet" + (apart.isEmpty ? "" : " (\(apart.joined(separator: ", ")))")
        return isHealthy ? words : words + ", and somebody has to look at it"
    }
}

extension UUID {
    /// Always the same for the same text: 128 bits of FNV-1a, marked as an id of the maker's own
    /// (version 8).
    func derived(from text: String) -> UUID {
        var (high, low): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4)
        for byte in Array(uuidString.utf8) + Array(text.utf8) {
            high = (high ^ UInt64(byte)) &* 0x100_0000_01b3
            low = (low &+ UInt64(byte)) &* 0x100_0000_01b3 ^ high
        }
        var bytes = withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { Array($0) }
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        return NSUUID(uuidBytes: bytes) as UUID
    }
}
