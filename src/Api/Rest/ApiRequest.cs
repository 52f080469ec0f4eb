namespace Hanbae.Api.Rest;

/// <summary>One request to an API server, however it travels: over HTTPS, or by reference inside a process.</summary>
public sealed record ApiRequest
{
    /// <summary>HTTP method in capitals.</summary>
    public required string Method { get; init; }
    /// <summary>Path without query, as sent: <c>/api/v1/namespaces/default/pods/web</c>.</summary>
    public required string Path { get; init; }
    /// <summary>Query parameters in order; names may repeat; values are decoded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Query { get; init; } = [];
    /// <summary>The <c>Accept</c> header; empty for whatever the transport likes best.</summary>
    public string Accept { get; init; } = "";
    public string ContentType { get; init; } = "";
    public string UserAgent { get; init; } = "";
    /// <summary>The body as bytes; empty when <see cref="Object"/> is given.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
    /// <summary>The body as an object: inside a process it is handed over as it is, HTTP encodes it.</summary>
    public IKind? Object { get; init; }
    /// <summary>The kind of what is asked for, where the caller knows it: answers in JSON are read as that even when it is not built in.</summary>
    public Schema.KindInfo? Kind { get; init; }
    /// <summary>Who asks, for requests that start inside the process; transports that cross a process boundary ignore it.</summary>
    public Identity? Identity { get; init; }
    /// <summary>Other headers (impersonation, authorization).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The first value of a query parameter, or null.</summary>
    public string? Parameter(string name)
    {
        foreach (var (key, value) in Query) if (key == name) return value;
        return null;
    }
}

/// <summary>An authenticated user, as upstream's user.Info.</summary>
public sealed record Identity(string Name, Seq<string> Groups)
{
    public string Uid { get; init; } = "";
    public Map<Seq<string>> Extra { get; init; }
}
