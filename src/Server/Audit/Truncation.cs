namespace Hanbae.Server.Audit;

/// <summary>Keeps events below a size: bodies go first, and say that they did; what is too large even so is not written.</summary>
static class Truncation
{
    const string Annotation = "audit.k8s.io/truncated";

    /// <returns>Null when there is no making it small enough.</returns>
    public static (AuditEvent Event, byte[] Json)? Fit(AuditEvent e, TruncateOptions? options, bool typed)
    {
        byte[] json = e.ToJson(typed);
        if (options is null || json.Length <= options.MaxEvent) return (e, json);
        if (e.Level < AuditLevel.Request) return null;
        var cut = e with { RequestObject = default, ResponseObject = default, Annotations = [.. e.Annotations, new(Annotation, "true")] };
        json = cut.ToJson(typed);
        return json.Length <= options.MaxEvent ? (cut, json) : null;
    }
}
