import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The exchanges of a session: starts them, gathers what comes back, and waits for it.
final class Uploads: NSObject, URLSessionDataDelegate {
    private struct Exchange {
        let finished: @Sendable (Result<Response, TransportError>) -> Void
        /// What is longer is cut.
        let longest: Int
        var body = Data()
        var cut = false
    }

    private let exchanges = Locked<[Int: Exchange]>([:])

    override init() {
        super.init()
        BodyFile.sweepOnce()
    }

    /// Sends the request once and blocks the thread until its answer has come.
    func exchange(
        _ request: URLRequest, body: Body?, longestAnswer: Int64, within limit: Duration, by session: URLSession
    ) throws -> Response {
        let (outcome, done) = (Locked<Result<Response, TransportError>?>(nil), DispatchSemaphore(value: 0))
        // One with files in it is sent from a file of its own, so that the memory has none of it.
        let bytes = body?.bytes
        let file = try bytes == nil ? body.map { try BodyFile($0) } : nil
        defer { withExtendedLifetime(file) {} }
        let task: URLSessionTask
        if let file {
            task = session.uploadTask(with: request, fromFile: file.url)
        } else {
            var request = request
            request.httpBody = bytes
            task = session.dataTask(with: request)
        }
        exchanges.with {
            $0[task.taskIdentifier] = Exchange(
                finished: { result in
                    outcome.with { $0 = $0 ?? result }
                    done.signal()
                },
                longest: Int(clamping: longestAnswer)
            )
        }
        task.resume()
        if done.wait(timeout: .now() + (limit / .seconds(1))) == .timedOut {
            _ = exchanges.with { $0.removeValue(forKey: task.taskIdentifier) }
            task.cancel()
            throw TransportError.timedOut
        }
        return try outcome.with { $0! }.get()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        // The redirect itself is the answer.
        completionHandler(nil)
    }

    /// A refusal is an answer, which Pannier knows what to do with: nobody else's credentials are tried.
    /// Certificates and proxies are the system's.
    func urlSession(
        _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        let space = challenge.protectionSpace
        let isTheLrs = !space.isProxy() && [
            NSURLAuthenticationMethodDefault, NSURLAuthenticationMethodHTTPBasic,
            NSURLAuthenticationMethodHTTPDigest,
        ].contains(space.authenticationMethod)
        completionHandler(isTheLrs ? .rejectProtectionSpace : .performDefaultHandling, nil)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        exchanges.with { exchanges in
            guard let exchange = exchanges[dataTask.taskIdentifier] else { return }
            let room = exchange.longest - exchange.body.count
            exchanges[dataTask.taskIdentifier]?.body += data.prefix(room)
            if data.count > room { exchanges[dataTask.taskIdentifier]?.cut = true }
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard let exchange = exchanges.with({ $0.removeValue(forKey: task.taskIdentifier) }) else { return }
        exchange.finished(Self.result(task.response, exchange, error))
    }

    private static func result(
        _ response: URLResponse?, _ exchange: Exchange, _ error: (any Error)?
    ) -> Result<Response, TransportError> {
        let response = response as? HTTPURLResponse
        // Linux calls a refusal that we did not answer cancelled.
        let isRefusal = response?.statusCode == 401 && (error as? URLError)?.code == .cancelled
        if let error, !isRefusal { return .failure(failure(error as? URLError)) }
        guard let response else { return .failure(.broken(reason: "no answer")) }
        let headers = response.allHeaderFields.map { Header(name: "\($0.key)", value: "\($0.value)") }
        let status = Int32(response.statusCode)
        return .success(Response(status: status, headers: headers, body: exchange.body, cut: exchange.cut))
    }

    /// By what may have reached the LRS; in doubt the connection broke.
    private static func failure(_ error: URLError?) -> TransportError {
        guard let error else { return .broken(reason: "the connection failed") }
        let reason = "URLError \(error.code.rawValue)"
        switch error.code {
        case .timedOut: return .timedOut
        case .cannotFindHost, .cannotConnectToHost, .dnsLookupFailed, .notConnectedToInternet,
            .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
            .serverCertificateNotYetValid, .serverCertificateHasUnknownRoot, .unsupportedURL,
            .dataNotAllowed, .internationalRoamingOff, .appTransportSecurityRequiresSecureConnection:
            return .unreachable(reason: reason)
        default: return .broken(reason: reason)
        }
    }
}
