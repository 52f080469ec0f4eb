using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Auth.Oidc;
using Hanbae.Server.Errors;
using Hanbae.Server.Filters;

namespace Hanbae.Server.Auth.Impersonation;

/// <summary>Says whether somebody may act as somebody else: for one thing only (KEP-5284), or for all that the other may do.</summary>
/// <remarks>
/// Narrower ways come first, as upstream: a node's own agent, any node, a service account, another user; for each the requester needs
/// <c>impersonate:mode</c> on whom he wants to be and <c>impersonate-on:mode:verb</c> on what he wants to do. The old verb <c>impersonate</c> is the last.
/// </remarks>
sealed class Modes(IAuthorizer authorizer)
{
    const string Authentication = "authentication.k8s.io", Legacy = "impersonate";
    /// <summary>From so many on a right to all of them is asked for first.</summary>
    const int Many = 4;

    /// <summary>The user that the request may be, and by which verb; none for the old one.</summary>
    public readonly record struct Allowed(Identity User, string Constraint);

    /// <param name="request">What is asked, by whoever really asks.</param>
    /// <exception cref="StatusException">No way is open to him: why not by the first that could have been.</exception>
    public async ValueTask<Allowed> CheckAsync(Attributes request, Identity wanted, CancellationToken ct)
    {
        StatusException? first = null;
        foreach (string mode in Fitting(request.User, wanted))
            try
            {
                var way = new Way(mode, request.User);
                if (mode.Length > 0) await RequireAsync(request with { User = way.Asks, Verb = $"impersonate-on:{mode}:{request.Verb}" }, ct).ConfigureAwait(false);
                return new(await AsAsync(way, wanted, ct).ConfigureAwait(false), mode.Length > 0 ? way.Verb : "");
            }
            catch (StatusException e) { first ??= e; }
        throw first!;
    }

    /// <summary>The modes that could apply to such a user; the empty one is the old verb.</summary>
    static IEnumerable<string> Fitting(Identity requester, Identity wanted)
    {
        bool onlyName = wanted.Uid.Length == 0 && wanted.Groups.IsEmpty && wanted.Extra.Count == 0;
        string? node = NodeOf(wanted.Name);
        bool account = Groups.ServiceAccountOf(wanted.Name) is not null;
        if (node is not null && onlyName)
        {
            if (Groups.ServiceAccountOf(requester.Name) is not null && requester.Extra[Groups.NodeName] is [var on] && on == node) yield return "associated-node";
            yield return "arbitrary-node";
        }
        if (account && onlyName) yield return "serviceaccount";
        if (node is null && !account) yield return "user-info";
        yield return "";
    }

    static string? NodeOf(string user) =>
        user.StartsWith(Groups.NodePrefix, StringComparison.Ordinal) && user[Groups.NodePrefix.Length..] is var name && Names.Subdomain(name).Count == 0 ? name : null;

    readonly record struct Way(string Mode, Identity Requester)
    {
        public bool IsConstrained => Mode.Length > 0;
        public string Verb => IsConstrained ? "impersonate:" + Mode : Legacy;
        /// <summary>In the group that users, groups and nodes are named in.</summary>
        public string Group => IsConstrained ? Authentication : "";

        /// <summary>For its own node an agent is judged without what differs from node to node: the right holds for all Pods of a DaemonSet.</summary>
        public Identity Asks => Mode == "associated-node"
            ? Requester with { Extra = Map.Of<Seq<string>>(("authentication.kubernetes.io/associated-node-keys", Requester.Extra.Select(e => e.Key).Order(StringComparer.Ordinal).ToSeq())) } : Requester;

        public Attributes About(string group, string resource, string name, string subresource = "", string ns = "") => new()
        {
            User = Asks, Verb = Verb, IsResourceRequest = true, ApiGroup = group, ApiVersion = "v1", Resource = resource, Subresource = subresource, Name = name, Namespace = ns,
        };
    }

    async ValueTask<Identity> AsAsync(Way way, Identity wanted, CancellationToken ct)
    {
        var user = wanted;
        if (Groups.ServiceAccountOf(wanted.Name) is var (ns, account))
        {
            await RequireAsync(way.About(way.Group, "serviceaccounts", account, ns: ns), ct).ConfigureAwait(false);
            if (wanted.Groups.IsEmpty) user = user with { Groups = Groups.ServiceAccountGroups(ns) };
        }
        else if (way.IsConstrained && NodeOf(wanted.Name) is { } node)
        {
            await RequireAsync(way.About(way.Group, "nodes", way.Mode == "associated-node" ? "*" : node), ct).ConfigureAwait(false);
            user = user with { Groups = [Groups.Nodes] };
        }
        else await RequireAsync(way.About(way.Group, "users", wanted.Name), ct).ConfigureAwait(false);
        if (wanted.Uid.Length > 0) await RequireAsync(way.About(Authentication, "uids", wanted.Uid), ct).ConfigureAwait(false);
        await RequireGroupsAsync(way, wanted.Groups, ct).ConfigureAwait(false);
        await RequireExtraAsync(way, wanted.Extra, ct).ConfigureAwait(false);
        if (wanted.Name == RequestContext.Anonymous.Name) return Joined(user, Groups.Unauthenticated);
        return user.Groups.Contains(Groups.Unauthenticated) ? user : Joined(user, Groups.Authenticated);
    }

    static Identity Joined(Identity user, string group) => user.Groups.Contains(group) ? user : user with { Groups = user.Groups.Add(group) };

    async ValueTask RequireGroupsAsync(Way way, Seq<string> groups, CancellationToken ct)
    {
        Attributes About(string group) => way.About(way.Group, "groups", group);
        if (way.IsConstrained)
        {
            if (groups.Contains("")) throw Authorize.Forbidden(About(""), "impersonating the empty string group is not allowed");
            // Nobody is constrained who holds this one.
            if (groups.Contains(Groups.Masters)) throw Authorize.Forbidden(About(Groups.Masters), "impersonating the system:masters group is not allowed");
            if (groups.Count >= Many && await MayAsync(About("*"), ct).ConfigureAwait(false)) return;
        }
        foreach (string group in groups) await RequireAsync(About(group), ct).ConfigureAwait(false);
    }

    async ValueTask RequireExtraAsync(Way way, Map<Seq<string>> extra, CancellationToken ct)
    {
        Attributes About(string key, string value) => way.About(Authentication, "userextras", value, key);
        if (way.IsConstrained)
        {
            foreach (var (key, values) in extra)
                if (WhatIsWrong(key, values) is { } wrong) throw Authorize.Forbidden(About("", ""), wrong);
            if ((extra.Count >= Many || extra.Sum(e => e.Value.Count) >= Many) && await MayAsync(About("*", "*"), ct).ConfigureAwait(false)) return;
        }
        foreach (var (key, values) in extra)
            foreach (string value in values) await RequireAsync(About(key, value), ct).ConfigureAwait(false);
    }

    static string? WhatIsWrong(string key, Seq<string> values) =>
        key.Length == 0 ? "impersonating the empty string key in extra is not allowed"
        : ExtraKeys.WhatIsWrong(key) is { } wrong ? $"impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {FieldError.Quoted(key)}: {wrong}"
        : key != key.ToLowerInvariant() ? $"impersonating a non-lowercase key in extra is not allowed: {FieldError.Quoted(key)}"
        : values.IsEmpty ? "impersonating empty values in extra is not allowed"
        : values.Contains("") ? "impersonating the empty string value in extra is not allowed" : null;

    async ValueTask<bool> MayAsync(Attributes attributes, CancellationToken ct) => (await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false)).Verdict == Verdict.Allow;

    async ValueTask RequireAsync(Attributes attributes, CancellationToken ct)
    {
        var decision = await authorizer.AuthorizeAsync(attributes, ct).ConfigureAwait(false);
        if (decision.Verdict == Verdict.Allow) return;
        throw Authorize.Forbidden(attributes, decision.Why);
    }
}
