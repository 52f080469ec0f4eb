using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Server.Encode;
using Hanbae.Server.Verbs;

namespace Hanbae.Server;

/// <summary>One request on its way through the chain, whatever transport it came by.</summary>
public abstract class RequestContext
{
    protected RequestContext(string method, string path, IReadOnlyList<KeyValuePair<string, string>> query, CancellationToken aborted)
    {
        (Method, Path, Query, Aborted) = (method, path, query, aborted);
        Info = RequestInfo.Of(this);
    }

    protected RequestContext(ApiRequest request, CancellationToken aborted) : this(request.Method, request.Path.Contains('%') ? Uri.UnescapeDataString(request.Path) : request.Path, request.Query, aborted) { }

    public string Method { get; }
    /// <summary>Decoded, without the query.</summary>
    public string Path { get; }
    public IReadOnlyList<KeyValuePair<string, string>> Query { get; }
    /// <summary>The path and query as the client sent them, for proxying.</summary>
    public abstract string RawTarget { get; }
    public abstract IEnumerable<KeyValuePair<string, string>> Headers { get; }
    /// <summary>The header's first value; empty when there is none.</summary>
    public abstract string Header(string name);
    /// <summary>Whether a header's name begins so.</summary>
    public virtual bool HasHeader(string prefix) => Headers.Any(h => h.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
    /// <summary>Null when the client showed none (or came in process).</summary>
    public abstract X509Certificate2? ClientCertificate { get; }
    public abstract string RemoteAddress { get; }
    /// <summary>Objects are handed over by reference, and the caller is who it says it is.</summary>
    public abstract bool InProcess { get; }
    /// <summary>The body as an object, from callers in the process.</summary>
    public virtual IKind? Object => null;
    /// <exception cref="Errors.StatusException">Larger than the limit.</exception>
    public abstract ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct);

    /// <summary>The client's going away, or the deadline; forwarded everywhere.</summary>
    public CancellationToken Aborted { get; set; }
    /// <summary>How long it is until the deadline; null where there is none.</summary>
    internal Func<TimeSpan>? Left { get; set; }
    public RequestInfo Info { get; }
    /// <summary>Who asks; set by authentication, changed by impersonation.</summary>
    public Identity User { get; set; } = Anonymous;
    /// <summary>Throws when the client may not do that verb on the same path: an apply or a PUT may turn out to create. Null when nobody asks.</summary>
    internal Func<string, ValueTask>? MayAlso { get; set; }
    /// <summary>Asked about the body of what is nowhere stored, which admission sees all the same; null where storage asks.</summary>
    internal Func<IKind, CancellationToken, ValueTask<IKind?>>? Admit { get; set; }
    /// <summary>Texts of <c>Warning</c> headers.</summary>
    public SaidOnce Warnings { get; } = [];
    /// <summary>Headers of the answer besides those that follow from its body.</summary>
    public List<KeyValuePair<string, string>> ReplyHeaders { get; } = [];
    /// <summary>What the answer is to be encoded as; verbs set it before they begin so that a 406 has no effects.</summary>
    public Output Output { get; set; } = Output.Json;

    /// <summary>What admission and others note about the request for the audit log.</summary>
    public Audit.AuditAnnotations AuditAnnotations => _annotations ??= new();
    /// <summary>The seats that it holds.</summary>
    internal FlowControl.Seat Seat { get; set; }
    /// <summary>The id under which the audit log has the request.</summary>
    public string AuditId => _auditId ??= Audit.AuditIds.Of(this);
    string? _auditId;
    /// <summary>As much of the body as was read: all or nothing.</summary>
    internal virtual ReadOnlyMemory<byte> BodyRead => default;
    /// <summary>What was answered in the end, as far as the transport knows.</summary>
    internal virtual int? AnsweredCode => null;
    /// <summary>What is written about it in the audit log; null when nothing is.</summary>
    internal Audit.AuditTrail? Trail { get; set; }
    Audit.AuditAnnotations? _annotations;

    /// <summary>Ends the connection: nobody waits for the answer any longer.</summary>
    internal virtual void Abort() { }

    /// <summary>What a watch begins with is sent: from now on it only waits. Called by the transport.</summary>
    internal void Began()
    {
        HasBegun = true;
        Seat.Leave(began: true);
    }

    internal bool HasBegun { get; private set; }

    /// <summary>The answer is given, or will never be. Called by the transport, once.</summary>
    internal ValueTask EndedAsync()
    {
        Seat.Leave();
        return Trail is { } trail ? trail.EndedAsync() : default;
    }

    public static Identity Anonymous { get; } = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>The first value of a query parameter, or null.</summary>
    public string? Parameter(string name)
    {
        foreach (var (key, value) in Query) if (key == name) return value;
        return null;
    }

    /// <summary>The body as an object of the kind (defaulted by nobody); null when there is no body.</summary>
    /// <exception cref="Errors.StatusException">Unknown media type, malformed, of another kind, or strictly wrong.</exception>
    /// <param name="also">Another version that will do.</param>
    public async ValueTask<IKind?> ReadObjectAsync(KindInfo kind, CancellationToken ct, KindInfo? also = null)
    {
        var obj = await Body.ReadAsync(this, kind, ct, also).ConfigureAwait(false);
        return obj is not null && Admit is { } admit ? await admit(obj, ct).ConfigureAwait(false) : obj;
    }
}
