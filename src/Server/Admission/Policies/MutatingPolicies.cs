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

/// <summary>Changes what is written as bound policies have it: one after the other, by their names.</summary>
sealed class MutatingPolicies(ServedObjects objects, ResourceVersions versions, IAuthorizer authorizer, TimeProvider time) : IAdmission
{
    sealed record Binding(string Name, string Policy, ParamRef? Params, Selection Selection);

    readonly Compiled<MutatingAdmissionPolicy, MutatingPolicy> _policies = new(objects, static p => new(p));
    readonly Compiled<MutatingAdmissionPolicyBinding, Binding> _bindings = new(objects, static b =>
        new(b.Metadata.Name, b.Spec.PolicyName, b.Spec.ParamRef, ValidatingPolicy.SelectionOf(b.Spec.MatchResources, all: true)));
    readonly PolicyParams _params = new(objects, versions);

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation is Operation.Create or Operation.Update && !Selection.IsExempt(resource);

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var policies = await _policies.AllAsync(ct).ConfigureAwait(false);
        if (policies.Length == 0) return request.Object;
        var bindings = (await _bindings.AllAsync(ct).ConfigureAwait(false)).ToLookup(b => b.Policy);
        var rerun = request.Reinvocation.Of(nameof(MutatingPolicies));
        if (request.Reinvocation.IsSecond && !Equals(rerun.Output, request.Object)) rerun.All();
        var write = new ReviewedWrite(request, versions);
        foreach (var policy in policies)
        {
            if (!bindings.Contains(policy.Name)) continue;
            if (await policy.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is not { } asked) continue;
            foreach (var binding in bindings[policy.Name])
                try
                {
                    if (await binding.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is null) continue;
                    int at = 0;
                    foreach (var param in await _params.FindAsync(policy.ParamKind, binding.Params, write.Namespace, ct).ConfigureAwait(false))
                        await ApplyAsync(policy, $"{policy.Name}/{binding.Name}/{at++}", write, asked, param is null ? CelNull.Instance : RequestVariables.Any(param), rerun, ct).ConfigureAwait(false);
                }
                catch (PolicyConfigurationException e)
                {
                    if (policy.FailsClosed) throw Denied(request, $"policy '{policy.Name}' with binding '{binding.Name}' denied request: {e.Message}");
                }
        }
        rerun.Output = write.Object;
        return write.Object;
    }

    async ValueTask ApplyAsync(MutatingPolicy policy, string key, ReviewedWrite write, Invocation asked, CelValue param, Reinvocation.Rerun rerun, CancellationToken ct)
    {
        if (write.Request.Reinvocation.IsSecond && !rerun.IsDue(key)) return;
        string name = write.Request.Namespace;
        var ns = name.Length == 0 ? null : await objects.FindAsync<Namespace>("", name, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new("", "namespaces"), name);
        async ValueTask<CelActivation> Values() => RequestVariables.Values(write, asked, await write.InAsync(asked.Kind, ct).ConfigureAwait(false), authorizer)
            .With("namespaceObject", RequestVariables.NamespaceValue(ns)).With("params", param);
        if (!policy.Matches(await Values().ConfigureAwait(false), out string? error, ct))
        {
            if (error is not null) throw new PolicyConfigurationException(error);
            return;
        }
        if (await policy.ApplyAsync(write, asked, Values, time.GetUtcNow(), ct).ConfigureAwait(false))
        {
            rerun.All();
            write.Request.Reinvocation.IsDue = true;
        }
        if (policy.Reinvokes) rerun.Asked(key);
    }

    static StatusException Denied(AdmissionRequest request, string message)
    {
        var status = Refuse.Because(request, message).Status;
        return new(status with { Message = message, Reason = "Invalid", Code = 422, Details = status.Details! with { Causes = [new() { Message = message }] } });
    }
}
