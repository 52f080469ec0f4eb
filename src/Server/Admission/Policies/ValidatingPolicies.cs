using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Policies;

/// <summary>Holds what is to be stored against the policies that are bound: in the process, without asking anybody (KEP-3488).</summary>
sealed class ValidatingPolicies(ServedObjects objects, ResourceVersions versions, IAuthorizer authorizer) : IValidates
{
    sealed record Binding(string Name, string Policy, ParamRef? Params, Selection Selection, Seq<string> Actions);

    readonly Compiled<ValidatingAdmissionPolicy, ValidatingPolicy> _policies = new(objects, static p => new(p));
    readonly Compiled<ValidatingAdmissionPolicyBinding, Binding> _bindings = new(objects, static b =>
        new(b.Metadata.Name, b.Spec.PolicyName, b.Spec.ParamRef, ValidatingPolicy.SelectionOf(b.Spec.MatchResources, all: true), b.Spec.ValidationActions));
    readonly PolicyParams _params = new(objects, versions);

    public bool Handles(Operation operation, GroupResource resource, string subresource) => !Selection.IsExcluded(resource);

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var policies = await _policies.AllAsync(ct).ConfigureAwait(false);
        if (policies.Length == 0) return;
        var bindings = (await _bindings.AllAsync(ct).ConfigureAwait(false)).ToLookup(b => b.Policy);
        var write = new ReviewedWrite(request, versions);
        var asking = new RequestAuthorizer(authorizer, request.User);
        var verdict = new PolicyVerdict(request);
        foreach (var policy in policies)
        {
            if (!bindings.Contains(policy.Name)) continue;
            if (await policy.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is not { } asked) continue;
            var values = (await RequestVariables.ValuesAsync(write, asked, asking, ct).ConfigureAwait(false))
                .With("namespaceObject", RequestVariables.NamespaceValue(await NamespaceAsync(write, ct).ConfigureAwait(false)));
            foreach (var binding in bindings[policy.Name])
                try
                {
                    if (await binding.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is null) continue;
                    foreach (var param in await _params.FindAsync(policy.ParamKind, binding.Params, write.Namespace, ct).ConfigureAwait(false))
                    {
                        var given = values.With("params", param is null ? CelNull.Instance : RequestVariables.Any(param));
                        verdict.Add(policy.Name, binding.Name, binding.Actions, await asking.EvaluateAsync(() => policy.Judge(given, ct)).ConfigureAwait(false));
                    }
                }
                catch (PolicyConfigurationException e) when (policy.FailsClosed) { verdict.Refuse(policy.Name, binding.Name, "failed to configure binding: " + e.Message, ""); }
                catch (PolicyConfigurationException) { } // as its failure policy has it
        }
        verdict.Conclude();
    }

    /// <summary>Null for namespaces themselves, and for what is in none.</summary>
    async ValueTask<Namespace?> NamespaceAsync(ReviewedWrite write, CancellationToken ct) =>
        write.Request.Namespace.Length == 0 ? null
        : await objects.FindAsync<Namespace>("", write.Request.Namespace, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new("", "namespaces"), write.Request.Namespace);
}
