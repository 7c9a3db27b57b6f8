extension XapiActivity: Changeable {
    /// Something to do or to learn from, by the IRI that tells it from all others.
    public init(_ id: String) {
        self.init(id: id)
    }

    /// What it is called in this language, an RFC 5646 tag.
    public func name(_ language: String, _ text: String) -> Self { define { $0.name[language] = text } }

    /// What it is about in this language, an RFC 5646 tag; the wording of a question.
    public func description(_ language: String, _ text: String) -> Self {
        define { $0.description[language] = text }
    }

    /// The IRI of what kind of activity it is, such as one of `ActivityTypes`.
    public func activityType(_ iri: String) -> Self { define { $0.activityType = iri } }

    /// Where people can read more.
    public func moreInfo(_ url: String) -> Self { define { $0.moreInfo = url } }

    /// The form of the question. Needed with any of the six that follow.
    public func interaction(_ form: InteractionType) -> Self { define { $0.interactionType = form } }

    /// The right answers: not called if every answer is right, empty if none is.
    public func correctResponses(_ patterns: [String]) -> Self {
        define { $0.correctResponsesPattern = patterns }
    }

    /// What to choose from or to order (choice, sequencing).
    public func choices(_ components: [InteractionComponent]) -> Self {
        define { $0.choices = components }
    }

    /// The points of a scale (likert).
    public func scale(_ components: [InteractionComponent]) -> Self { define { $0.scale = components } }

    /// What to match (matching).
    public func source(_ components: [InteractionComponent]) -> Self {
        define { $0.source = components }
    }

    /// What to match it with (matching).
    public func target(_ components: [InteractionComponent]) -> Self {
        define { $0.target = components }
    }

    /// What to do (performance).
    public func steps(_ components: [InteractionComponent]) -> Self { define { $0.steps = components } }

    private func define(_ change: (inout ActivityDefinition) -> Void) -> Self {
        with {
            var definition = $0.definition ?? ActivityDefinition()
            change(&definition)
            $0.definition = definition
        }
    }
}

extension XapiActivity: Extensible {
    /// Anything else that is known about it: IRI to JSON text.
    public var extensions: [String: String] {
        get { definition?.extensions ?? [:] }
        set { self = define { $0.extensions = newValue } }
    }
}

extension InteractionComponent {
    /// One thing to choose, match, order or do; the text is what the learner sees.
    public init(_ id: String, _ language: String, _ text: String) {
        self.init(id: id, description: [language: text])
    }
}
