import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Carries requests over `URLSession`: for the certificates, proxies and VPNs that the device's owner or
/// their company has set up. Keeps what `Transport` asks for: no redirect is followed, nothing is kept
/// (cookies, caches, credentials), every status is an answer, and the time-out is for the whole.
public final class URLSessionTransport: Transport {
    private let session: URLSession
    private let uploads = Uploads()

    /// - Parameter configure: May change the session's configuration, such as `allowsCellularAccess`.
    public init(_ configure: (URLSessionConfiguration) -> Void = { _ in }) {
        let configuration = URLSessionConfiguration.ephemeral
        configure(configuration)
        configuration.httpCookieAcceptPolicy = .never
        configuration.httpShouldSetCookies = false
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        session = URLSession(configuration: configuration, delegate: uploads, delegateQueue: nil)
    }

    deinit {
        session.finishTasksAndInvalidate()
    }

    public func exchange(request: Request) throws -> Response {
        var sent = URLRequest(url: request.url)
        sent.httpMethod = request.method.name
        sent.timeoutInterval = request.timeout / .seconds(1)
        for header in request.headers { sent.setValue(header.value, forHTTPHeaderField: header.name) }
        return try uploads.exchange(
            sent, body: request.body, longestAnswer: request.longestAnswer, within: request.timeout, by: session
        )
    }
}
