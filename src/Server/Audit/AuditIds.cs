namespace Hanbae.Server.Audit;

/// <summary>Gives every request over HTTP an id that its answer carries and the audit log names: the client's own, or a new one.</summary>
sealed class AuditIds : IFilter
{
    public const string Header = "Audit-ID";
    /// <summary>Longer ones would fill the log with whatever a client likes.</summary>
    const int Longest = 64;

    static readonly ulong s_process = (ulong)Random.Shared.NextInt64();
    static long s_next = Random.Shared.NextInt64() >>> 24;

    public ValueTask<Reply> InvokeAsync(RequestContext request, Handler next)
    {
        if (!request.InProcess) request.ReplyHeaders.Add(new(Header, request.AuditId));
        return next(request);
    }

    public static string Of(RequestContext request)
    {
        string own = request.Header(Header);
        if (own.Length is > 0 and <= Longest && own.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0) return own;
        return New();
    }

    /// <summary>In the form of a random UUID, unique and cheap: half of it is this process's, half counts.</summary>
    static string New()
    {
        ulong count = (ulong)Interlocked.Increment(ref s_next) * 0x9E3779B97F4A7C15UL;
        return new Guid((uint)(count >> 32), (ushort)(count >> 16), (ushort)((count & 0x0FFF) | 0x4000),
            (byte)((s_process >> 56) & 0x3F | 0x80), (byte)(s_process >> 48), (byte)(s_process >> 40), (byte)(s_process >> 32),
            (byte)(s_process >> 24), (byte)(s_process >> 16), (byte)(s_process >> 8), (byte)s_process).ToString();
    }
}
