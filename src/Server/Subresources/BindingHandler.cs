using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission;
using Hanbae.Server.Errors;
using Hanbae.Server.Registry;
using Hanbae.Server.Verbs;

namespace Hanbae.Server.Subresources;

/// <summary>Binds a Pod to a node: the scheduler's one write.</summary>
sealed class BindingHandler(ApiServer server) : IRestHandler
{
    public async ValueTask<Reply> HandleAsync(RequestContext request, CancellationToken ct)
    {
        if (request.Info.Verb != "create") throw Statuses.MethodNotAllowed();
        var binding = await request.ReadObjectAsync(Binding.Info, ct).ConfigureAwait(false) as Binding
            ?? throw Statuses.BadRequest("the object provided is unrecognized (must be of type Binding): couldn't get version/kind");
        string name = request.Info.Resource == "pods" ? request.Info.Name : binding.Metadata.Name;
        if (binding.Metadata.Name.Length > 0 && binding.Metadata.Name != name)
            throw Statuses.BadRequest($"name in URL does not match name in Binding object");
        var errors = new List<FieldError>();
        if (binding.Target.Kind is not ("" or "Node")) errors.Add(FieldError.NotSupported("target.kind", binding.Target.Kind, "Node", "<empty>"));
        if (binding.Target.Name.Length == 0) errors.Add(FieldError.Required("target.name"));
        if (errors.Count > 0) throw Statuses.Invalid(Binding.Info.Gvk, name, errors);

        var pods = server.Resources.Find("", "v1", "pods")!;
        var write = Writes.RequestOf(request, pods) with { Name = name, Subresource = "binding" };
        binding = (Binding)(await pods.Stored.AdmitAsync(write, Operation.Create, binding, null, ct).ConfigureAwait(false))!;
        await pods.Stored.UpdateAsync(write with { Admitted = true }, old => Bound((Pod)old!, binding), unconditional: true, ct).ConfigureAwait(false);
        return Reply.Object(new Status { StatusValue = "Success", Code = 201 }, 201);
    }

    Pod Bound(Pod pod, Binding binding)
    {
        var resource = new GroupResource("", "pods");
        string name = pod.Metadata.Name;
        if (binding.Metadata.Uid is { Length: > 0 } uid && uid != pod.Metadata.Uid)
            throw Statuses.Conflict(resource, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod.Metadata.Uid}");
        if (binding.Metadata.ResourceVersion is { Length: > 0 } version && version != pod.Metadata.ResourceVersion)
            throw Statuses.Conflict(resource, name, $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {pod.Metadata.ResourceVersion}");
        if (pod.Metadata.DeletionTimestamp is not null) throw Refused(name, $"pod {name} is being deleted, cannot be assigned to a host");
        if (pod.Spec.NodeName.Length > 0) throw Refused(name, $"pod {name} is already assigned to node \"{pod.Spec.NodeName}\"");
        if (!pod.Spec.SchedulingGates.IsEmpty) throw Refused(name, $"pod {name} has non-empty .spec.schedulingGates");
        var scheduled = new PodCondition { Type = "PodScheduled", Status = "True", LastTransitionTime = server.Options.Time.GetUtcNow(), ObservedGeneration = pod.Metadata.Generation };
        int at = pod.Status.Conditions.IndexOf(c => c.Type == "PodScheduled");
        return pod with
        {
            Metadata = binding.Metadata is { Annotations.IsEmpty: true, Labels.IsEmpty: true } ? pod.Metadata
                : pod.Metadata with { Annotations = pod.Metadata.Annotations.With(binding.Metadata.Annotations), Labels = pod.Metadata.Labels.With(binding.Metadata.Labels) },
            Spec = pod.Spec with { NodeName = binding.Target.Name },
            // Where it was to go stands in the way of nobody any more (ClearingNominatedNodeNameAfterBinding, KEP-5278).
            Status = pod.Status with { NominatedNodeName = "", Conditions = at < 0 ? pod.Status.Conditions.Add(scheduled) : pod.Status.Conditions.SetAt(at, scheduled) },
        };
    }

    static StatusException Refused(string pod, string why) => Statuses.Conflict(new("", "pods/binding"), pod, why);
}
