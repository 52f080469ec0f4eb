namespace Hanbae.Kubelet.Streaming;

/// <summary>What a session needs of the connection that carries its streams: SPDY and WebSocket alike.</summary>
internal interface IStreamConnection : IAsyncDisposable
{
    /// <summary>Signalled once the peer is gone or the connection broke.</summary>
    CancellationToken Closed { get; }

    /// <summary>Ends the connection after the peer has had the chance to read everything: waits for it to hang up first.</summary>
    /// <param name="linger">How long it may take; closing under unread input would reset TCP and could take sent bytes with it.</param>
    Task CloseAsync(TimeSpan linger);
}
