using Hanbae.Api;
using Hanbae.Api.Admissionregistration.V1;
using Hanbae.Api.Apiregistration.V1;
using Hanbae.Api.Certificates.V1;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Api.Scheduling.V1;

namespace Hanbae.Server.Tables;

/// <summary>Rows of who may do what, and of what is done to requests.</summary>
static class PolicyCells
{
    public static void Write(RoleBinding binding, IRow row) => Binding(binding, binding.RoleRef, binding.Subjects, row);

    public static void Write(ClusterRoleBinding binding, IRow row) => Binding(binding, binding.RoleRef, binding.Subjects, row);

    static void Binding(IObject binding, RoleRef role, Seq<Hanbae.Api.Rbac.V1.Subject> subjects, IRow row)
    {
        row.Text(binding.Metadata.Name);
        row.Text(role.Kind + "/" + role.Name);
        row.Age(binding.Metadata.CreationTimestamp);
        row.Text(string.Join(", ", subjects.Where(s => s.Kind == "User").Select(s => s.Name)));
        row.Text(string.Join(", ", subjects.Where(s => s.Kind == "Group").Select(s => s.Name)));
        row.Text(string.Join(", ", subjects.Where(s => s.Kind == "ServiceAccount").Select(s => s.Namespace + "/" + s.Name)));
    }

    public static void Write(CertificateSigningRequest request, IRow row)
    {
        bool Is(string condition) => request.Status.Conditions.Exists(c => c.Type == condition);
        row.Text(request.Metadata.Name);
        row.Age(request.Metadata.CreationTimestamp);
        row.Text(request.Spec.SignerName);
        row.Text(request.Spec.Username);
        row.Text(request.Spec.ExpirationSeconds is { } seconds ? HumanDuration.Of(TimeSpan.FromSeconds(seconds)) : CellText.None);
        row.Text((Is("Denied") ? "Denied" : Is("Approved") ? "Approved" : "Pending") + (Is("Failed") ? ",Failed" : "") + (request.Status.Certificate.Length == 0 ? "" : ",Issued"));
    }

    public static void Write(ValidatingWebhookConfiguration hooks, IRow row) => Counted(hooks, hooks.Webhooks.Count, row);

    public static void Write(MutatingWebhookConfiguration hooks, IRow row) => Counted(hooks, hooks.Webhooks.Count, row);

    static void Counted(IObject obj, int count, IRow row)
    {
        row.Text(obj.Metadata.Name);
        row.Number(count);
        row.Age(obj.Metadata.CreationTimestamp);
    }

    public static void Write(ValidatingAdmissionPolicy policy, IRow row) => Policy(policy, policy.Spec.Validations.Count, policy.Spec.ParamKind, row);

    public static void Write(MutatingAdmissionPolicy policy, IRow row) => Policy(policy, policy.Spec.Mutations.Count, policy.Spec.ParamKind, row);

    static void Policy(IObject policy, int count, ParamKind? parameters, IRow row)
    {
        row.Text(policy.Metadata.Name);
        row.Number(count);
        row.Text(parameters is null ? CellText.Unset : parameters.ApiVersion + "/" + parameters.Kind);
        row.Age(policy.Metadata.CreationTimestamp);
    }

    public static void Write(ValidatingAdmissionPolicyBinding binding, IRow row) => Bound(binding, binding.Spec.PolicyName, binding.Spec.ParamRef, row);

    public static void Write(MutatingAdmissionPolicyBinding binding, IRow row) => Bound(binding, binding.Spec.PolicyName, binding.Spec.ParamRef, row);

    static void Bound(IObject binding, string policy, ParamRef? parameters, IRow row)
    {
        row.Text(binding.Metadata.Name);
        row.Text(policy);
        row.Text(parameters switch
        {
            { Name.Length: > 0 } p => (p.Namespace.Length > 0 ? p.Namespace : "*") + "/" + p.Name,
            { Selector: { } selector } => CellText.Selector(selector),
            _ => CellText.Unset,
        });
        row.Age(binding.Metadata.CreationTimestamp);
    }

    public static void Write(PriorityClass kind, IRow row)
    {
        row.Text(kind.Metadata.Name);
        row.Number(kind.Value);
        row.Bool(kind.GlobalDefault);
        row.Age(kind.Metadata.CreationTimestamp);
        row.Text(kind.PreemptionPolicy ?? "PreemptLowerPriority");
    }

    public static void Write(FlowSchema schema, IRow row)
    {
        row.Text(schema.Metadata.Name);
        row.Text(schema.Spec.PriorityLevelConfiguration.Name);
        row.Number(schema.Spec.MatchingPrecedence);
        row.Text(CellText.OrNone(schema.Spec.DistinguisherMethod?.Type));
        row.Age(schema.Metadata.CreationTimestamp);
        row.Text(schema.Status.Conditions.Find(c => c.Type == "Dangling")?.Status ?? "?");
    }

    public static void Write(PriorityLevelConfiguration level, IRow row)
    {
        void Number(int? value)
        {
            if (value is { } number) row.Number(number);
            else row.Text(CellText.None);
        }
        var queues = level.Spec.Limited?.LimitResponse.Queuing;
        row.Text(level.Metadata.Name);
        row.Text(level.Spec.Type);
        Number(level.Spec.Limited?.NominalConcurrencyShares);
        Number(queues?.Queues);
        Number(queues?.HandSize);
        Number(queues?.QueueLengthLimit);
        row.Age(level.Metadata.CreationTimestamp);
    }

    public static void Write(APIService service, IRow row)
    {
        row.Text(service.Metadata.Name);
        row.Text(service.Spec.Service is { } reference ? reference.Namespace + "/" + reference.Name : "Local");
        row.Text(service.Status.Conditions.Find(c => c.Type == "Available") is { } c ? c.Status == "True" ? c.Status : $"{c.Status} ({c.Reason})" : "");
        row.Age(service.Metadata.CreationTimestamp);
    }
}
