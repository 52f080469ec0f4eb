using Hanbae.Api.Meta.V1;

namespace Hanbae.Machinery.Apply;

/// <summary>Who owns fields: upstream's manager identifier. An applier is the same one whatever version it applies in.</summary>
/// <param name="ApiVersion">Of updates; empty for appliers.</param>
public readonly record struct Owner(string Manager, bool Applies, string ApiVersion, string Subresource) : IComparable<Owner>
{
    public static Owner Of(ManagedFieldsEntry entry) => new(entry.Manager, entry.Operation == "Apply", entry.Operation == "Apply" ? "" : entry.ApiVersion, entry.Subresource);

    public int CompareTo(Owner other)
    {
        if (string.CompareOrdinal(Manager, other.Manager) is not 0 and var m) return m;
        if (Applies != other.Applies) return Applies ? -1 : 1;
        if (string.CompareOrdinal(ApiVersion, other.ApiVersion) is not 0 and var v) return v;
        return string.CompareOrdinal(Subresource, other.Subresource);
    }

    /// <summary>As conflicts name it.</summary>
    public override string ToString()
    {
        string name = Hanbae.Api.Json.GoQuote.Text(Manager);
        if (Subresource.Length > 0) name += " with subresource " + Hanbae.Api.Json.GoQuote.Text(Subresource);
        return Applies ? name : name + " using " + ApiVersion;
    }
}

/// <summary>What an owner owns, in the version it wrote in, and since when.</summary>
/// <param name="Entry">What was read, as long as it still says the same.</param>
sealed record Owned(string ApiVersion, FieldSet Set, DateTimeOffset? Time, ManagedFieldsEntry? Entry = null)
{
    public Owned With(FieldSet set) => ReferenceEquals(set, Set) ? this : this with { Set = set, Entry = null };

    public ManagedFieldsEntry Write(Owner owner) => Entry ?? new()
    {
        Manager = owner.Manager, Operation = owner.Applies ? "Apply" : "Update", ApiVersion = ApiVersion, Time = Time,
        FieldsType = "FieldsV1", FieldsV1 = new(FieldsV1.Write(Set)), Subresource = owner.Subresource,
    };
}
