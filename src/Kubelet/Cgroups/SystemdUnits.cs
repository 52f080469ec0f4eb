using System.Collections.Concurrent;
using Hanbae.Kubelet.DBus;

namespace Hanbae.Kubelet.Cgroups;

/// <summary>Asks systemd, over the system bus, for units that last as long as the machine runs; one connection, made when it is needed and again when it broke.</summary>
sealed class SystemdUnits(string bus, TimeProvider time) : IAsyncDisposable
{
    const string Service = "org.freedesktop.systemd1", Object = "/org/freedesktop/systemd1", Manager = "org.freedesktop.systemd1.Manager", Bus = "org.freedesktop.DBus";
    static readonly TimeSpan s_job = TimeSpan.FromSeconds(30); // as runtimes wait

    readonly SemaphoreSlim _turn = new(1);
    readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _jobs = new(); // by path
    volatile bool _waiting; // only then are other people's jobs kept, too
    DBusConnection? _connection;
    Task _following = Task.CompletedTask;

    /// <returns>False when there is such a unit already.</returns>
    /// <exception cref="IOException">systemd is not there, or did not do it.</exception>
    public async Task<bool> StartAsync(string unit, IEnumerable<(string Name, object Value)> properties, CancellationToken ct)
    {
        try
        {
            await JobAsync(unit, "StartTransientUnit", "ssa(sv)a(sa(sv))", [unit, "replace", Pairs(properties), Array.Empty<object>()], ct).ConfigureAwait(false);
            return true;
        }
        catch (DBusException e) when (e.Name == Service + ".UnitExists") { return false; }
    }

    /// <exception cref="IOException"/>
    public async Task SetAsync(string unit, IReadOnlyCollection<(string Name, object Value)> properties, CancellationToken ct)
    {
        if (properties.Count > 0) await CallAsync("SetUnitProperties", "sba(sv)", [unit, true, Pairs(properties)], ct).ConfigureAwait(false);
    }

    /// <summary>Ends the unit with all beneath it, and has systemd forget that it failed.</summary>
    /// <exception cref="IOException"/>
    public async Task StopAsync(string unit, CancellationToken ct)
    {
        try { await JobAsync(unit, "StopUnit", "ss", [unit, "replace"], ct).ConfigureAwait(false); }
        catch (DBusException e) when (e.Name == Service + ".NoSuchUnit") { }
        try { await CallAsync("ResetFailedUnit", "s", [unit], ct).ConfigureAwait(false); }
        catch (DBusException e) when (e.Name == Service + ".NoSuchUnit") { }
    }

    static object[] Pairs(IEnumerable<(string Name, object Value)> properties) => [.. properties.Select(p => (object)new[] { p.Name, p.Value })];

    /// <summary>Waits for what was asked to have happened. One after the other: the answer that names a job and the signal that it has ended must not miss each other.</summary>
    async Task JobAsync(string unit, string member, string signature, object[] body, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            _waiting = true;
            var answer = await AskAsync(member, signature, body, ct).ConfigureAwait(false);
            if (answer.Body is not [string job]) throw new DBusException($"{member}: systemd told of no job");
            string result = await Ended(job).Task.WaitAsync(s_job, time, ct).ConfigureAwait(false);
            if (result is not ("done" or "skipped")) throw new DBusException($"{member}: systemd's job for {unit} ended as {result}");
        }
        catch (TimeoutException) { throw new DBusException($"{member}: systemd's job for {unit} did not end within {s_job.TotalSeconds} s"); }
        finally
        {
            _waiting = false;
            _jobs.Clear();
            _turn.Release();
        }
    }

    async Task CallAsync(string member, string signature, object[] body, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try { await AskAsync(member, signature, body, ct).ConfigureAwait(false); }
        finally { _turn.Release(); }
    }

    async Task<DBusMessage> AskAsync(string member, string signature, object[] body, CancellationToken ct)
    {
        try
        {
            _connection ??= await ConnectAsync(ct).ConfigureAwait(false);
            return await _connection.CallAsync(Service, Object, Manager, member, signature, body, ct).ConfigureAwait(false);
        }
        // Not refused, but not answered: the next call asks over a new connection.
        catch (Exception e) when (e is not DBusException { Name.Length: > 0 })
        {
            await CloseAsync().ConfigureAwait(false);
            throw;
        }
    }

    async Task<DBusConnection> ConnectAsync(CancellationToken ct)
    {
        var connection = await DBusConnection.ConnectAsync(bus, time, ct).ConfigureAwait(false);
        try
        {
            await connection.CallAsync(Bus, "/org/freedesktop/DBus", Bus, "AddMatch", "s", [$"type='signal',sender='{Service}',interface='{Manager}',member='JobRemoved',path='{Object}'"], ct).ConfigureAwait(false);
            await connection.CallAsync(Service, Object, Manager, "Subscribe", "", [], ct).ConfigureAwait(false);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        _following = FollowAsync(connection);
        return connection;
    }

    async Task CloseAsync()
    {
        if (_connection is { } connection) await connection.DisposeAsync().ConfigureAwait(false);
        _connection = null;
        await _following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    async Task FollowAsync(DBusConnection connection)
    {
        await foreach (var signal in connection.Signals.ReadAllAsync().ConfigureAwait(false))
            if (_waiting && signal is { Member: "JobRemoved", Body: [uint, string job, string, string result] }) Ended(job).TrySetResult(result);
        foreach (var waiting in _jobs.Values) waiting.TrySetException(new DBusException("the bus has ended the connection"));
    }

    TaskCompletionSource<string> Ended(string job) => _jobs.GetOrAdd(job, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _turn.Dispose();
    }
}
