using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Json;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Cache;

namespace Hanbae.Server.Admission.Policies;

/// <summary>A policy or a binding is set up so that nobody can say what it means.</summary>
sealed class PolicyConfigurationException(string message) : Exception(message);

/// <summary>Finds the objects that a binding hands to its policy.</summary>
sealed class PolicyParams(ServedObjects objects, ResourceVersions versions)
{
    /// <summary>The policy is evaluated with each; null stands for none.</summary>
    /// <param name="ns">Of the request.</param>
    /// <exception cref="PolicyConfigurationException">There is no telling, or there are none where there must be.</exception>
    public async ValueTask<IReadOnlyList<JsonValue?>> FindAsync(ParamKind? kind, ParamRef? reference, string ns, CancellationToken ct)
    {
        if (kind is null || reference is null) return [null];
        var gvk = (GroupVersion.Parse(kind.ApiVersion) ?? new("", "v1")).Kind(kind.Kind);
        if (await versions.FindAsync(gvk, ct).ConfigureAwait(false) is not var (stored, served)) throw new PolicyConfigurationException($"failed to find resource referenced by paramKind: '{gvk}'");
        if (reference.Name.Length > 0 && reference.Selector is not null) throw new PolicyConfigurationException("paramRef.name and paramRef.selector are mutually exclusive");
        string at = reference.Namespace;
        if (!stored.Namespaced && at.Length > 0) throw new PolicyConfigurationException("paramRef.namespace must not be provided for a cluster-scoped `paramKind`");
        if (stored.Namespaced && at.Length == 0) at = ns.Length > 0 ? ns : throw new PolicyConfigurationException("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources");

        var found = new List<JsonValue?>();
        var all = await objects.SnapshotAsync(stored, ct).ConfigureAwait(false);
        if (reference.Selector is { } selector)
        {
            var wanted = selector.ToSelector();
            foreach (var item in all.Between("", at.Length == 0 ? "" : at + "/"))
                if (wanted.Matches(item.Labels)) found.Add(Tree(item));
        }
        else if (reference.Name.Length == 0) throw new PolicyConfigurationException("one of name or selector must be provided");
        else if (all.Find(stored.KeyOf(at, reference.Name)) is { } item) found.Add(Tree(item));
        if (found.Count == 0 && reference.ParameterNotFoundAction != "Allow")
            throw new PolicyConfigurationException("no params found for policy binding with `Deny` parameterNotFoundAction");
        return found;

        JsonValue Tree(Item item) => JsonValue.Parse(item.As(served, Registry.Convert.To).Json.ToArray());
    }
}
