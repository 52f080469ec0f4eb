namespace Hanbae.Server.Streaming;

/// <summary>Whom an upgrade is passed on to, and as whom.</summary>
/// <param name="Host">What the backend is to read in the Host header.</param>
/// <param name="PathAndQuery">Escaped as it shall be sent; it is not normalized.</param>
/// <param name="Headers">Sent along, instead of the client's where they have the same name: this server's credentials, X-Forwarded-For and the like.</param>
/// <param name="ConnectAsync">Dials, with TLS and client certificate where the backend wants them; the tunnel owns the stream.</param>
public sealed record UpgradeTarget(
    string Host, string PathAndQuery, IReadOnlyList<KeyValuePair<string, string>> Headers, Func<CancellationToken, ValueTask<Stream>> ConnectAsync);

/// <summary>Why an upgrade could not be passed on: for the server's error map to answer.</summary>
public sealed record UpgradeFailure(int Code, string Message);
