using System.Globalization;
using System.Security.Cryptography;
using Hanbae.Api;
using Hanbae.Machinery.Validate;
using Hanbae.Server.Admission;
using Hanbae.Server.Cache;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Registry;

public sealed partial class StoredResource
{
    const int GeneratedNames = 8, LongestBase = 58, SuffixLength = 5;
    const string VersionOfNew = "resourceVersion should not be set on objects to be created";
    const string SuffixLetters = "bcdfghjklmnpqrstvwxz2456789";

    /// <param name="obj">In the stored version, defaulted.</param>
    /// <exception cref="StatusException"/>
    public async ValueTask<Item> CreateAsync(WriteRequest write, IObject obj, CancellationToken ct)
    {
        if (obj.Metadata.Namespace != write.Namespace) obj = obj.WithMetadata(obj.Metadata with { Namespace = write.Namespace });
        var now = Now();
        // Upstream gives these before admission, so that plugins see them.
        obj = obj.WithMetadata(obj.Metadata with
        {
            Uid = Guid.NewGuid().ToString(), CreationTimestamp = now, DeletionTimestamp = null, DeletionGracePeriodSeconds = null, SelfLink = "",
        });
        if (write.Fields is { } fields) obj = fields.Update(null, obj, now);
        bool generated = obj.Metadata.Name.Length == 0 && obj.Metadata.GenerateName.Length > 0;
        for (int attempt = 1; ; attempt++)
        {
            var candidate = generated ? obj.WithMetadata(obj.Metadata with { Name = GenerateName(obj.Metadata.GenerateName) }) : obj;
            if (await TryCreateAsync(write, candidate, now, ct).ConfigureAwait(false) is { } item) return item;
            if (generated && attempt < GeneratedNames) continue;
            throw Statuses.AlreadyExists(Resource, candidate.Metadata.Name);
        }
    }

    /// <returns>Null when the name is taken.</returns>
    async ValueTask<Item?> TryCreateAsync(WriteRequest write, IObject obj, DateTimeOffset now, CancellationToken ct)
    {
        string name = obj.Metadata.Name;
        if (!_admission.IsEmpty)
        {
            var admitted = (IObject)(await _admission.MutateAsync(write.Admission(Operation.Create, obj, null, name), ct).ConfigureAwait(false))!;
            obj = OwnerReferences.Once(Apply.FieldTracking.Restored(admitted, obj, write.Warnings), write.Warnings, admitted: true);
        }
        using var reservation = await ReserveAsync(write, obj, null, ct).ConfigureAwait(false);
        if (reservation is not null) obj = reservation.Object;
        var context = write.Context(now);
        obj = Strategy.PrepareForCreate(obj, context);
        Check(obj, ObjectNames.Check(obj.Metadata, Namespaced), Strategy.Validate(obj, context));
        foreach (string warning in Strategy.Warnings(obj, null)) write.Warnings.Add(warning);
        var unwritten = new Compensation();
        if (!_admission.IsEmpty) await _admission.ValidateAsync(write.Admission(Operation.Create, obj, null, name) with { Unwritten = unwritten }, ct).ConfigureAwait(false);

        string key = KeyOf(write.Namespace, obj.Metadata.Name);
        if (write.DryRun)
            return await _store.GetAsync(StoreKey(key), ct).ConfigureAwait(false) is null ? Item.Unstored(obj, key) : null;
        // As upstream, whose storage it is that minds: whoever has something against the object has said so before, and a dry run does not get here.
        if (long.TryParse(obj.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out long version) && version != 0)
        {
            await unwritten.RunAsync().ConfigureAwait(false);
            throw Statuses.Unknown(VersionOfNew);
        }
        reservation?.Writing();
        var (item, _) = await PutAsync(write, key, obj, ToStored(obj), null, ct).ConfigureAwait(false);
        reservation?.Settle(item is not null);
        if (item is null) await unwritten.RunAsync().ConfigureAwait(false);
        if (item is not null) await Strategy.AfterCreateAsync(item.Object, ct).ConfigureAwait(false);
        return item;
    }

    /// <summary>What the object needs and no two may have; null for kinds that need nothing of the sort.</summary>
    async ValueTask<IReservation?> ReserveAsync(WriteRequest write, IObject obj, IObject? old, CancellationToken ct) =>
        Strategy is IReserves reserving && write.Subresource.Length == 0 ? await reserving.ReserveAsync(obj, old, this, ct).ConfigureAwait(false) : null;

    void Check(IObject obj, IReadOnlyList<FieldError> general, IReadOnlyList<FieldError> own)
    {
        // As upstream, whose kinds are asked first: what is wrong with the name is said once.
        if (own.Any(e => e.Field == "metadata.name")) general = [];
        if (general.Count + own.Count > 0) throw Statuses.Invalid(Kind.Gvk, obj.Metadata.Name, [.. general, .. own]);
    }

    /// <summary>To whole seconds, as times are on the wire.</summary>
    DateTimeOffset Now()
    {
        var now = _time.GetUtcNow();
        return new(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
    }

    /// <summary>As upstream: at most 63 characters, the last five random and without vowels.</summary>
    static string GenerateName(string prefix) =>
        (prefix.Length > LongestBase ? prefix[..LongestBase] : prefix) + RandomNumberGenerator.GetString(SuffixLetters, SuffixLength);
}
