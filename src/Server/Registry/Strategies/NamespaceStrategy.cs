using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Registry.Strategies;

/// <summary>Namespaces: the kubernetes finalizer keeps them until everything in them is gone.</summary>
public class NamespaceStrategy() : Strategy(Namespace.Info)
{
    const string Finalizer = "kubernetes";

    public override IObject PrepareForCreate(IObject obj, WriteContext context)
    {
        var ns = (Namespace)base.PrepareForCreate(obj, context);
        var finalizers = ns.Spec.Finalizers.Contains(Finalizer) ? ns.Spec.Finalizers : ns.Spec.Finalizers.Add(Finalizer);
        return ns with { Spec = ns.Spec with { Finalizers = finalizers }, Status = new NamespaceStatus { Phase = "Active" } };
    }

    public override IObject PrepareForUpdate(IObject obj, IObject old, WriteContext context)
    {
        var (ns, was) = ((Namespace)obj, (Namespace)old);
        // Only the finalize subresource changes finalizers.
        return context.Subresource == "finalize"
            ? ns with { Status = was.Status, Metadata = ns.Metadata with { Generation = was.Metadata.Generation } }
            : base.PrepareForUpdate(ns with { Spec = was.Spec }, old, context);
    }

    public override bool IsHeld(IObject obj) => base.IsHeld(obj) || !((Namespace)obj).Spec.Finalizers.IsEmpty;
    public override IObject OnDeleting(IObject obj) => obj is Namespace ns ? ns with { Status = ns.Status with { Phase = "Terminating" } } : obj;

    public override IReadOnlyList<string> SelectableFields { get; } = ["status.phase", "name"];

    public override string Field(IObject obj, string name) => name switch
    {
        "status.phase" => ((Namespace)obj).Status.Phase,
        "name" => obj.Metadata.Name,
        _ => base.Field(obj, name),
    };
}
