using Hanbae.Api;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;

namespace Hanbae.Server.Verbs;

/// <summary>The query of a list, watch or deletecollection, read and checked as upstream checks ListOptions.</summary>
sealed record ListTerms
{
    public required Filter Filter { get; init; }
    public string ResourceVersion { get; init; } = "";
    public string Match { get; init; } = "";
    public int Limit { get; init; }
    public string Continue { get; init; } = "";
    public bool Bookmarks { get; init; }
    public bool? SendInitialEvents { get; init; }
    public int? TimeoutSeconds { get; init; }

    public long? Revision => ResourceVersion.Length == 0 ? null : long.Parse(ResourceVersion, System.Globalization.CultureInfo.InvariantCulture);

    /// <exception cref="StatusException"/>
    public static ListTerms Of(RequestContext request, Resource resource, bool watch)
    {
        string labels = "", fields = "", version = "", match = "", proceed = "";
        int limit = 0;
        bool bookmarks = false;
        bool? initial = null;
        int? timeout = null;
        foreach (var (name, value) in request.Query)
            switch (name)
            {
                case "labelSelector": labels = value; break;
                case "fieldSelector": fields = value; break;
                case "resourceVersion": version = value; break;
                case "resourceVersionMatch": match = value; break;
                case "continue": proceed = value; break;
                case "limit": limit = (int)Math.Clamp(Number(name, value), 0, int.MaxValue); break;
                case "allowWatchBookmarks": bookmarks = RequestInfo.IsTrue(value); break;
                case "sendInitialEvents": initial = RequestInfo.IsTrue(value); break;
                case "timeoutSeconds": timeout = (int)Math.Clamp(Number(name, value), 0, int.MaxValue / 1000); break;
            }
        var terms = new ListTerms
        {
            Filter = FilterOf(request.Info.Namespace, request.Info.Name, labels, fields, resource),
            ResourceVersion = version, Match = match, Limit = limit, Continue = proceed, Bookmarks = bookmarks, SendInitialEvents = initial, TimeoutSeconds = timeout,
        };
        terms.Check(watch);
        if (version.Length > 0 && (!ulong.TryParse(version, out ulong parsed) || parsed > long.MaxValue))
        {
            var error = FieldError.Invalid("resourceVersion", version, $"strconv.ParseUint: parsing {FieldError.Quoted(version)}: invalid syntax");
            throw watch ? Statuses.Invalid(new(resource.Info.Gvr.Group, resource.Info.Gvr.Version, resource.Info.Gvr.Resource), "", [error]) : Statuses.Unknown(error.ToString());
        }
        return terms;
    }

    static long Number(string name, string value) =>
        value.Length == 0 ? 0 : long.TryParse(value, out long number) ? number : throw Statuses.BadRequest($"strconv.ParseInt: parsing {FieldError.Quoted(value)}: invalid syntax");

    static Filter FilterOf(string ns, string name, string labels, string fields, Resource resource)
    {
        Selector selector;
        FieldSelector terms;
        try
        {
            selector = Selector.Parse(labels);
            terms = fields.Length == 0 ? FieldSelector.Everything : FieldSelector.Parse(fields);
        }
        catch (SelectorFormatException e) { throw Statuses.BadRequest(e.Message); }
        if (!resource.Info.Namespaced) ns = "";
        if (!terms.IsEmpty)
        {
            var strategy = resource.Stored.Strategy;
            terms = terms.Transform(term => term.Field is "metadata.name" or "metadata.namespace" ? term
                : strategy.SelectableField(resource.Info.Gvr.GroupVersion, term.Field) is { } field ? term with { Field = field }
                : throw Statuses.BadRequest(strategy.SelectableFields.Count > 0 ? $"field label not supported: {term.Field}"
                    : $"\"{term.Field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
            // The path and the selector ask for the same thing in different words.
            if (name.Length == 0 && terms.RequiresExactly("metadata.name", out string? wanted)) (name, terms) = (wanted, Without(terms, "metadata.name"));
            if (ns.Length == 0 && resource.Info.Namespaced && terms.RequiresExactly("metadata.namespace", out wanted)) (ns, terms) = (wanted, Without(terms, "metadata.namespace"));
        }
        return new(resource.Stored.Strategy, ns.Length > 0 ? ns + "/" : "", name, selector, terms);
    }

    static FieldSelector Without(FieldSelector selector, string field)
    {
        int at = 0;
        while (selector.Terms[at].Field != field || !selector.Terms[at].Equal) at++;
        return FieldSelector.Of(selector.Terms.RemoveAt(at));
    }

    void Check(bool watch)
    {
        var errors = new List<FieldError>();
        void Forbid(string field, string why) => errors.Add(FieldError.Forbidden(field, why));
        if (watch)
        {
            if (SendInitialEvents is not null && Match != "NotOlderThan") Forbid("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
            if (Match.Length > 0)
            {
                if (SendInitialEvents is null) Forbid("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
                if (Match != "NotOlderThan") errors.Add(FieldError.NotSupported("resourceVersionMatch", Match, "NotOlderThan"));
            }
            if (Continue.Length > 0) Forbid("continue", "continue is forbidden for watch");
        }
        else
        {
            if (Match.Length > 0)
            {
                if (ResourceVersion.Length == 0) Forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided");
                if (Continue.Length > 0) Forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
                if (Match is not ("Exact" or "NotOlderThan")) errors.Add(FieldError.NotSupported("resourceVersionMatch", Match, "Exact", "NotOlderThan", ""));
                if (Match == "Exact" && ResourceVersion == "0") Forbid("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
            if (SendInitialEvents is not null) Forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
        }
        if (errors.Count > 0) throw Statuses.Invalid(new("meta.k8s.io", "v1", "ListOptions"), "", errors);
    }
}
