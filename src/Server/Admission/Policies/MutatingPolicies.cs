using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Cel;
using Hanbae.Server.Admission.Expressions;
using Hanbae.Server.Admission.Webhooks;
using Hanbae.Server.Auth;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Policies;

/// <summary>Changes what is written as bound policies have it: one after the other, by their names (KEP-3962).</summary>
sealed class MutatingPolicies(ServedObjects objects, ResourceVersions versions, IAuthorizer authorizer, TimeProvider time) : IMutates
{
    sealed record Binding(string Name, string Policy, ParamRef? Params, Selection Selection);

    /// <summary>A policy that is to have its say, with one parameter.</summary>
    sealed record Turn(MutatingPolicy Policy, Binding Binding, string Key, Invocation Asked, CelValue Param);

    readonly Compiled<MutatingAdmissionPolicy, MutatingPolicy> _policies = new(objects, static p => new(p));
    readonly Compiled<MutatingAdmissionPolicyBinding, Binding> _bindings = new(objects, static b =>
        new(b.Metadata.Name, b.Spec.PolicyName, b.Spec.ParamRef, ValidatingPolicy.SelectionOf(b.Spec.MatchResources, all: true)));
    readonly PolicyParams _params = new(objects, versions);

    public bool Handles(Operation operation, GroupResource resource, string subresource) => operation is Operation.Create or Operation.Update && !Selection.IsExcluded(resource);

    public async ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        var policies = await _policies.AllAsync(ct).ConfigureAwait(false);
        if (policies.Length == 0) return request.Object;
        var rerun = request.Reinvocation.Of(nameof(MutatingPolicies));
        if (request.Reinvocation.IsSecond && !Equals(rerun.Output, request.Object)) rerun.All();
        var write = new ReviewedWrite(request, versions);
        var asking = new RequestAuthorizer(authorizer, request.User);
        var refusals = new List<(string Message, string Reason)>();
        // All are chosen by the request as it came; what the first of them change does not bring in others.
        foreach (var turn in await TurnsAsync(policies, write, refusals, ct).ConfigureAwait(false))
            await TakeAsync(turn, write, asking, rerun, refusals, ct).ConfigureAwait(false);
        if (refusals.Count > 0) throw Denied(request, refusals);
        rerun.Output = write.Object;
        return write.Object;
    }

    async ValueTask<List<Turn>> TurnsAsync(MutatingPolicy[] policies, ReviewedWrite write, List<(string, string)> refusals, CancellationToken ct)
    {
        var turns = new List<Turn>();
        var bindings = (await _bindings.AllAsync(ct).ConfigureAwait(false)).ToLookup(b => b.Policy);
        foreach (var policy in policies)
        {
            if (!bindings.Contains(policy.Name)) continue;
            if (await policy.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is not { } asked) continue;
            foreach (var binding in bindings[policy.Name])
                try
                {
                    if (await binding.Selection.MatchAsync(write, objects, ct).ConfigureAwait(false) is null) continue;
                    foreach (var param in await _params.FindAsync(policy.ParamKind, binding.Params, write.Namespace, ct).ConfigureAwait(false))
                        turns.Add(new(policy, binding, $"{policy.Name}/{binding.Name}/{Named(param)}", asked, param is null ? CelNull.Instance : RequestVariables.Any(param)));
                }
                catch (PolicyConfigurationException e) when (policy.FailsClosed) { refusals.Add((Why(policy, binding, "failed to configure binding: " + e.Message), "")); }
                catch (PolicyConfigurationException) { } // as its failure policy has it
        }
        return turns;
    }

    static string Named(Api.Json.JsonValue? param)
    {
        var meta = (param as Api.Json.JsonObject)?["metadata"] as Api.Json.JsonObject;
        static string Text(Api.Json.JsonValue? v) => (v as Api.Json.JsonString)?.Value ?? "";
        return Text(meta?["namespace"]) + "/" + Text(meta?["name"]);
    }

    async ValueTask TakeAsync(Turn turn, ReviewedWrite write, RequestAuthorizer asking, Reinvocation.Rerun rerun, List<(string, string)> refusals, CancellationToken ct)
    {
        var policy = turn.Policy;
        var ns = write.Request.Namespace is not { Length: > 0 } name ? null
            : await objects.FindAsync<Namespace>("", name, ct).ConfigureAwait(false) ?? throw Statuses.NotFound(new("", "namespaces"), name);
        async ValueTask<CelActivation> Values() => (await RequestVariables.ValuesAsync(write, turn.Asked, asking, ct).ConfigureAwait(false))
            .With("namespaceObject", RequestVariables.NamespaceValue(ns)).With("params", turn.Param);
        var values = await Values().ConfigureAwait(false);
        var (matches, error) = await asking.EvaluateAsync(() => policy.Matches(values, ct)).ConfigureAwait(false);
        if (!matches)
        {
            if (error is not null) refusals.Add((Why(policy, turn.Binding, error), "Invalid"));
            return;
        }
        if (write.Request.Reinvocation.IsSecond && !rerun.IsDue(turn.Key)) return;
        var failures = new List<string>();
        if (await policy.ApplyAsync(write, turn.Asked, asking, Values, failures, time.GetUtcNow(), ct).ConfigureAwait(false))
        {
            rerun.All();
            write.Request.Reinvocation.IsDue = true;
        }
        if (policy.FailsClosed) refusals.AddRange(failures.Select(f => (Why(policy, turn.Binding, f), "Invalid")));
        if (policy.Reinvokes) rerun.Asked(turn.Key);
    }

    static string Why(MutatingPolicy policy, Binding binding, string why) => $"policy '{policy.Name}' with binding '{binding.Name}' denied request: {why}";

    /// <summary>As upstream: the first says which reason, all are among the causes; the code stays that of what is forbidden.</summary>
    static StatusException Denied(AdmissionRequest request, List<(string Message, string Reason)> refusals)
    {
        var status = Refuse.Because(request, "").Status;
        return new(status with
        {
            Message = refusals[0].Message, Reason = refusals[0].Reason.Length > 0 ? refusals[0].Reason : status.Reason,
            Details = status.Details! with { Causes = refusals.Select(r => new StatusCause { Message = r.Message }).ToSeq() },
        });
    }
}
