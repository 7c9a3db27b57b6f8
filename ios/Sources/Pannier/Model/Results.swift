extension XapiResult: Changeable {
    /// How well it went.
    public func score(_ score: Score) -> Self { with { $0.score = score } }

    /// Whether the attempt succeeded.
    public func success(_ success: Bool) -> Self { with { $0.success = success } }

    /// Whether the activity was completed.
    public func completion(_ completion: Bool) -> Self { with { $0.completion = completion } }

    /// The answer given, in the form that the interaction type asks for.
    public func response(_ response: String) -> Self { with { $0.response = response } }

    /// How long it took. What is finer than 0.01 s is cut off (Data 4.6); a negative one is refused when it is recorded.
    public func duration(_ duration: Duration) -> Self { with { $0.duration = duration } }
}

extension Score: Changeable {
    /// From -1 to 1; 0.8 for 80 %.
    public static func scaled(_ scaled: Double) -> Score {
        Score(scaled: scaled)
    }

    /// The points reached, of those between `min` and `max`.
    public func points(_ raw: Double, min: Double, max: Double) -> Self {
        with { ($0.raw, $0.min, $0.max) = (raw, min, max) }
    }
}
