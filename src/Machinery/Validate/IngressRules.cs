using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;

namespace Hanbae.Machinery.Validate;

/// <summary>Ingresses: whose requests go to which Services.</summary>
static class IngressRules
{
    const string ClassAnnotation = "kubernetes.io/ingress.class";

    public static void Create(Ingress o, Errors errors)
    {
        Check(o, errors);
        if (o.Metadata.Annotations[ClassAnnotation] is { } old && o.Spec.IngressClassName is { } name && old != name)
            errors.Invalid(FieldPath.Metadata["annotations"][ClassAnnotation], old, "must match `ingressClassName` when both are specified");
    }

    public static void Update(Ingress o, Ingress old, Errors errors) => Check(o, errors);

    static void Check(Ingress o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.Rules.IsEmpty && s.DefaultBackend is null) errors.InvalidAs(at, s.Rules.IsNil ? "null" : "[]", "either `defaultBackend` or `rules` must be specified");
        if (s.DefaultBackend is { } fallback) Backend(at["defaultBackend"], fallback, errors);
        for (int i = 0; i < s.Rules.Count; i++)
        {
            var (here, rule) = (at["rules"][i], s.Rules[i]);
            if (rule.Host.Length > 0)
            {
                if (IpSyntax.IsAddress(rule.Host)) errors.Invalid(here["host"], rule.Host, "must be a DNS name, not an IP address");
                errors.Invalid(here["host"], rule.Host, Host(rule.Host));
            }
            if (rule.Http is not { } http) continue;
            if (http.Paths.IsEmpty) errors.Required(here["http"]["paths"]);
            for (int j = 0; j < http.Paths.Count; j++) Path(here["http"]["paths"][j], http.Paths[j], errors);
        }
        for (int i = 0; i < s.Tls.Count; i++)
        {
            var (here, tls) = (at["tls"][i], s.Tls[i]);
            for (int j = 0; j < tls.Hosts.Count; j++) errors.Invalid(here["hosts"][j], tls.Hosts[j], Host(tls.Hosts[j]));
            if (tls.SecretName.Length > 0) errors.Invalid(here["secretName"], tls.SecretName, Names.Subdomain(tls.SecretName));
        }
        if (s.IngressClassName is { } className) errors.Invalid(at["ingressClassName"], className, Names.Subdomain(className));
    }

    static IReadOnlyList<string> Host(string host) => host.Contains('*') ? Names.Wildcard(host) : Names.Subdomain(host);

    /// <summary>A path as it is in a request, or the beginning of one: nothing in it may be read in two ways.</summary>
    static void Path(FieldPath at, HTTPIngressPath p, Errors errors)
    {
        if (p.PathType is null) errors.Required(at["pathType"], "pathType must be specified");
        else if (p.PathType is "Exact" or "Prefix")
        {
            if (!p.Path.StartsWith('/')) errors.Invalid(at["path"], p.Path, "must be an absolute path");
            if (p.Path.Length > 0)
            {
                foreach (string part in (ReadOnlySpan<string>)["//", "/./", "/../", "%2f", "%2F"]) if (p.Path.Contains(part, StringComparison.Ordinal)) errors.Invalid(at["path"], p.Path, $"must not contain '{part}'");
                foreach (string end in (ReadOnlySpan<string>)["/..", "/."]) if (p.Path.EndsWith(end, StringComparison.Ordinal)) errors.Invalid(at["path"], p.Path, $"cannot end with '{end}'");
            }
        }
        else if (p.PathType == "ImplementationSpecific")
        {
            if (p.Path.Length > 0 && !p.Path.StartsWith('/')) errors.Invalid(at["path"], p.Path, "must be an absolute path");
        }
        else errors.OneOf(at["pathType"], p.PathType, "Exact", "ImplementationSpecific", "Prefix");
        Backend(at["backend"], p.Backend, errors);
    }

    static void Backend(FieldPath at, IngressBackend backend, Errors errors)
    {
        if (backend is { Service: not null, Resource: not null }) { errors.Invalid(at, "", "cannot set both resource and service backends"); return; }
        if (backend.Resource is { } resource)
        {
            var here = at["resource"];
            if (resource.ApiGroup is { } group) errors.Invalid(here["apiGroup"], group, Names.Subdomain(group));
            if (resource.Kind.Length == 0) errors.Required(here["kind"], "kind is required");
            else errors.Invalid(here["kind"], resource.Kind, Names.PathSegment(resource.Kind));
            if (resource.Name.Length == 0) errors.Required(here["name"], "name is required");
            else errors.Invalid(here["name"], resource.Name, Names.PathSegment(resource.Name));
        }
        else if (backend.Service is { } service)
        {
            if (service.Name.Length == 0) errors.Required(at["service"]["name"]);
            else errors.Invalid(at["service"]["name"], service.Name, Names.Label(service.Name));
            if (service.Port.Name.Length > 0 && service.Port.Number != 0) errors.Invalid(at, "", "cannot set both port name & port number");
            else if (service.Port.Name.Length > 0) errors.Invalid(at["service"]["port"]["name"], service.Port.Name, Names.PortName(service.Port.Name));
            else if (service.Port.Number != 0) errors.Port(at["service"]["port"]["number"], service.Port.Number);
            else errors.Required(at, "port name or number is required");
        }
        else errors.Required(at, "must specify a service or resource backend");
    }
}
