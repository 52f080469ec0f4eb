using System.Net;
using IPAddress = Hanbae.Api.Networking.V1.IPAddress;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Networking.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Ingress classes, and the addresses that Services are given.</summary>
static class ClusterNetworkRules
{
    const int LongestController = 250;

    public static void Check(IngressClass o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.Controller.Length > LongestController) errors.TooLong(at["controller"], LongestController);
        Path(at["controller"], s.Controller, errors);
        if (s.Parameters is not { } p) return;
        var here = at["parameters"];
        if (p.ApiGroup is { } group) errors.Invalid(here["apiGroup"], group, Names.Subdomain(group));
        if (p.Kind.Length == 0) errors.Required(here["kind"], "kind is required");
        else errors.Invalid(here["kind"], p.Kind, Names.PathSegment(p.Kind));
        if (p.Name.Length == 0) errors.Required(here["name"], "name is required");
        else errors.Invalid(here["name"], p.Name, Names.PathSegment(p.Name));
        if (p.Scope is null) { errors.Required(here["scope"]); return; }
        errors.OneOf(here["scope"], p.Scope, "Cluster", "Namespace");
        if (p.Namespace is { Length: 0 }) errors.Required(here["namespace"], "`parameters.namespace` may not be an empty string");
        if (p.Scope == "Namespace" && p.Namespace is null) errors.Required(here["namespace"], "`parameters.scope` is set to 'Namespace'");
        if (p.Scope == "Cluster" && p.Namespace is not null) errors.Forbidden(here["namespace"], "`parameters.scope` is set to 'Cluster'");
    }

    /// <summary>A domain, a slash and a path: <c>acme.io/foo</c>.</summary>
    internal static void Path(FieldPath at, string path, Errors errors)
    {
        if (path.Length == 0) { errors.Required(at); return; }
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash == path.Length - 1) { errors.Invalid(at, path, "must be a domain-prefixed path (such as \"acme.io/foo\")"); return; }
        errors.Invalid(at, path[..slash], Names.Subdomain(path[..slash]));
        foreach (char c in path.AsSpan(slash + 1))
            if (!char.IsAsciiLetterOrDigit(c) && !"/-._~%!$&'()*+,;=:".Contains(c, StringComparison.Ordinal))
            {
                errors.Invalid(at, path[(slash + 1)..], "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
                break;
            }
    }

    public static void Update(IngressClass o, IngressClass old, Errors errors)
    {
        errors.Unchanged(FieldPath.Spec["controller"], o.Spec.Controller, old.Spec.Controller);
        Check(o, errors);
    }

    /// <summary>The address itself, as it is written shortest.</summary>
    public static IReadOnlyList<string> AddressName(string name) =>
        !IpSyntax.TryParse(name, out var address) ? [IpSyntax.AddressRule] : address.ToString() == name ? [] : [$"not a valid ip in canonical format. expected value \"{address}\""];

    public static void Check(IPAddress o, Errors errors)
    {
        var at = FieldPath.Spec["parentRef"];
        if (o.Spec.ParentRef is not { } parent) { errors.Required(at); return; }
        if (parent.Group.Length > 0) errors.Invalid(at["group"], parent.Group, Names.Subdomain(parent.Group));
        if (parent.Resource.Length == 0) errors.Required(at["resource"]);
        else errors.Invalid(at["resource"], parent.Resource, Names.PathSegment(parent.Resource));
        if (parent.Name.Length == 0) errors.Required(at["name"]);
        else errors.Invalid(at["name"], parent.Name, Names.PathSegment(parent.Name));
        if (parent.Namespace.Length > 0) errors.Invalid(at["namespace"], parent.Namespace, Names.PathSegment(parent.Namespace));
    }

    public static void Update(IPAddress o, IPAddress old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Spec["parentRef"], o.Spec.ParentRef, old.Spec.ParentRef, p => p is null ? "null" : Shown.Message(p));
    }

    public static void Check(ServiceCIDR o, Errors errors)
    {
        var (at, ranges) = (FieldPath.Spec["cidrs"], o.Spec.Cidrs);
        if (ranges.IsEmpty) { errors.Required(at, "at least one CIDR required"); return; }
        if (ranges.Count > 2) { errors.InvalidAs(at, Shown.List(ranges), "may only hold up to 2 values"); return; }
        for (int i = 0; i < ranges.Count; i++) Canonical(at[i], ranges[i], errors);
        if (ranges.Count == 2 && errors.Count == 0 && Family(ranges[0]) == Family(ranges[1]))
            errors.InvalidAs(at, Shown.List(ranges), "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96");
    }

    static AddressFamily Family(string cidr) => IPNetwork.Parse(cidr).BaseAddress.AddressFamily;

    static void Canonical(FieldPath at, string cidr, Errors errors)
    {
        int before = errors.Count;
        errors.Network(at, cidr);
        if (errors.Count == before && IPNetwork.TryParse(cidr, out var network) && network.ToString() != cidr) errors.Invalid(at, cidr, $"must be in canonical form ({FieldError.Quoted(network.ToString())})");
    }

    /// <summary>A second family may be added, nothing else.</summary>
    public static void Update(ServiceCIDR o, ServiceCIDR old, Errors errors)
    {
        var (at, now, was) = (FieldPath.Spec["cidrs"], o.Spec.Cidrs, old.Spec.Cidrs);
        if (now == was) return;
        if (was.Count == 1 && now.Count == 2)
        {
            if (now[0] != was[0]) errors.Invalid(at[0], now[0], "field is immutable");
            Check(o, errors);
        }
        else errors.InvalidAs(at, Shown.List(now), "field is immutable");
    }
}
