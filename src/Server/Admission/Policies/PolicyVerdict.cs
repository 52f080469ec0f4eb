using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Meta.V1;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission.Policies;

/// <summary>What all policies together make of a request: refused, warned about, noted for the audit log, as their bindings have it.</summary>
sealed class PolicyVerdict(AdmissionRequest request)
{
    const string FailureKey = "validation.policy.admission.k8s.io/validation_failure";

    readonly SortedDictionary<string, List<string>> _annotations = new(StringComparer.Ordinal);
    string? _refusal;
    string _reason = "";

    public void Add(string policy, string binding, Seq<string> actions, Judgement judgement)
    {
        foreach (var objection in judgement.Objections)
        {
            if (objection.Always || actions.Contains("Deny")) Refuse(policy, binding, objection.Message, objection.Reason);
            if (objection.Always) continue;
            if (actions.Contains("Warn")) request.Warnings.Add($"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {objection.Message}");
            if (actions.Contains("Audit")) request.Audit.Add(FailureKey, Failure(policy, binding, actions, objection));
        }
        foreach (var (key, value) in judgement.Annotations)
        {
            if (!_annotations.TryGetValue(policy + "/" + key, out var values)) _annotations[policy + "/" + key] = values = [];
            if (!values.Contains(value)) values.Add(value);
        }
    }

    public void Refuse(string policy, string binding, string message, string reason)
    {
        if (_refusal is not null) return;
        _refusal = $"ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {message}";
        _reason = reason.Length > 0 ? reason : "Invalid";
    }

    /// <exception cref="StatusException">Some policy denied.</exception>
    public void Conclude()
    {
        foreach (var (key, values) in _annotations) request.Audit.Add(key, string.Join(", ", values));
        if (_refusal is null) return;
        var status = Admission.Refuse.Because(request, _refusal).Status;
        throw new StatusException(status with
        {
            Reason = _reason, Code = _reason switch { "Forbidden" => 403, "Unauthorized" => 401, "RequestEntityTooLarge" => 413, _ => 422 },
            Details = status.Details! with { Causes = [.. status.Details.Causes, new StatusCause { Message = _refusal }] },
        });
    }

    static string Failure(string policy, string binding, Seq<string> actions, Objection objection) => JsonArray.Of(JsonObject.Of(
        ("message", objection.Message), ("policy", policy), ("binding", binding), ("expressionIndex", objection.Validation),
        ("validationActions", JsonArray.Of([.. actions.Select(a => new JsonString(a))])))).ToString()!;
}
