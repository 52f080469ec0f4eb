using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Server.Audit;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Admission;

/// <summary>One plugin of admission control: it <see cref="IMutates"/> what is written, <see cref="IValidates"/> it, or both.</summary>
public interface IAdmission
{
    /// <summary>Asked for every write: cheap, and false for what does not concern the plugin.</summary>
    /// <param name="subresource">Empty for the object itself.</param>
    bool Handles(Operation operation, GroupResource resource, string subresource);
}

/// <summary>May change what is written, or refuse it.</summary>
public interface IMutates : IAdmission
{
    /// <summary>Before validation, in the catalog's order: the object, changed or not (null for deletes).</summary>
    /// <exception cref="StatusException">Refused.</exception>
    ValueTask<IKind?> MutateAsync(AdmissionRequest request, CancellationToken ct);
}

/// <summary>May refuse what is written.</summary>
public interface IValidates : IAdmission
{
    /// <summary>After validation of the object as it will be stored.</summary>
    /// <exception cref="StatusException">Refused.</exception>
    ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct);
}

public enum Operation : byte { Create, Update, Delete, Connect }

/// <summary>What has to be undone when a write that was admitted does not come about: its name is taken, or somebody else was first.</summary>
/// <remarks>Not when nobody knows whether it did: then whoever counts anew finds out.</remarks>
public sealed class Compensation
{
    List<Func<Task>>? _steps;

    public void Add(Func<Task> undo) => (_steps ??= []).Add(undo);

    /// <summary>The last first; once.</summary>
    public async ValueTask RunAsync()
    {
        for (int i = (_steps?.Count ?? 0) - 1; i >= 0; i--) await _steps![i]().ConfigureAwait(false);
        _steps?.Clear();
    }
}

/// <summary>A write on its way, as upstream's admission.Attributes.</summary>
public sealed record AdmissionRequest
{
    public required Operation Operation { get; init; }
    public required GroupVersionResource Resource { get; init; }
    public string Subresource { get; init; } = "";
    /// <summary>What the client does, as authorization knows it: an update may be a patch.</summary>
    public string Verb { get; init; } = "";
    public required GroupVersionKind Kind { get; init; }
    public required string Namespace { get; init; }
    /// <summary>Empty on create with generateName (until validation).</summary>
    public required string Name { get; init; }
    /// <summary>What is to be stored; for subresources their body (Binding, Eviction, options of a connect); null for deletes.</summary>
    public IKind? Object { get; init; }
    /// <summary>What is stored; null for creates.</summary>
    public IObject? OldObject { get; init; }
    /// <summary>CreateOptions, UpdateOptions, PatchOptions or DeleteOptions.</summary>
    public IKind? Options { get; init; }
    public bool DryRun { get; init; }
    public required Identity User { get; init; }
    /// <summary>Takes what is to be said in <c>Warning</c> headers.</summary>
    public required ICollection<string> Warnings { get; init; }
    /// <summary>Takes what is to be noted in the audit log.</summary>
    public AuditAnnotations Audit { get => field ??= new(); init; }
    /// <summary>How long the client waits yet; null for ever.</summary>
    internal Func<TimeSpan>? Left { get; init; }
    /// <summary>Takes what is to be undone when the object is not written after all.</summary>
    public Compensation Unwritten { get; init; } = new();
    /// <summary>Shared by all that see the request.</summary>
    public Reinvocation Reinvocation { get; init; } = new();
}
