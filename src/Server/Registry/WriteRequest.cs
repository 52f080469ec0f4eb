using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Admission;
using Hanbae.Server.Audit;

namespace Hanbae.Server.Registry;

/// <summary>A write as the verbs hand it to storage: to what, for whom, and how.</summary>
public sealed record WriteRequest
{
    public required ResourceInfo Resource { get; init; }
    public required string Namespace { get; init; }
    /// <summary>Empty on create.</summary>
    public required string Name { get; init; }
    public string Subresource { get; init; } = "";
    /// <summary>create, update, patch, apply, delete or deletecollection, for history.</summary>
    public string Verb { get; init; } = "";
    /// <summary>What the client said of its write as a whole, for admission; of a delete it stands in the options that come with it.</summary>
    public WriteOptions Asked { get; init; }
    public bool DryRun { get; init; }
    /// <summary>Admission has seen the write in another form (a Binding rather than the bound Pod).</summary>
    public bool Admitted { get; init; }
    /// <summary>Whose write it is, for managedFields; null for those of the server's own that leave them as they are (a binding).</summary>
    public Apply.FieldTracking? Fields { get; init; }
    /// <summary>Of a write that tracks its fields itself: an apply.</summary>
    public string Manager { get; init; } = "";
    /// <summary>An apply: what is not there is made, whatever the kind.</summary>
    public bool CreatesAbsent { get; init; }
    /// <summary>As what admission sees the object; null for itself.</summary>
    internal WriteForm? Form { get; init; }
    /// <summary>Throws when the client may update but not create.</summary>
    internal Func<ValueTask>? MayCreate { get; init; }
    public required Identity User { get; init; }
    public required ICollection<string> Warnings { get; init; }
    /// <summary>Takes what admission notes for the audit log.</summary>
    public AuditAnnotations Audit { get => field ??= new(); init; }
    /// <summary>How long the client waits yet; null for ever.</summary>
    internal Func<TimeSpan>? Left { get; init; }

    internal WriteContext Context(DateTimeOffset now) => new() { User = User, Subresource = Subresource, Version = Resource.Gvr.Version, Now = now, DryRun = DryRun };

    /// <summary>As upstream: by what is done, not by the verb that was used; a patch updates or creates.</summary>
    IKind? OptionsOf(Operation operation)
    {
        Seq<string> dry = DryRun ? ["All"] : default;
        string manager = Asked.FieldManager ?? "", validation = Asked.FieldValidation ?? "";
        return operation switch
        {
            Operation.Create => new CreateOptions { DryRun = dry, FieldManager = manager, FieldValidation = validation },
            Operation.Update => new UpdateOptions { DryRun = dry, FieldManager = manager, FieldValidation = validation },
            _ => null,
        };
    }

    internal AdmissionRequest Admission(Operation operation, IKind? obj, IObject? old, string? name = null) => new()
    {
        Operation = operation, Resource = Resource.Gvr, Subresource = Subresource, Verb = Verb == "apply" ? "patch" : Verb, Kind = (obj ?? old)?.Kind().Gvk ?? Resource.Kind.Gvk,
        Namespace = Namespace, Name = name ?? Name, Object = obj, OldObject = old, Options = OptionsOf(operation), DryRun = DryRun, User = User, Warnings = Warnings, Audit = Audit,
        Left = Left,
    };
}

/// <summary>What clients say of a write in its query.</summary>
public readonly record struct WriteOptions(string FieldManager, string FieldValidation);

/// <summary>A part of an object by another name: what a scale is to what has replicas.</summary>
/// <param name="Show">The part, of the whole.</param>
/// <param name="Take">The whole, with the part put into it.</param>
sealed record WriteForm(Func<IObject, IObject> Show, Func<IObject, IObject, IObject> Take);
