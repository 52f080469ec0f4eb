using System.Globalization;

namespace Hanbae.Host.Runtime;

/// <summary>A process that can be told from a later one with the same number: number, start time and boot.</summary>
public sealed record ProcessIdentity(int Pid, ulong StartTicks, string Boot)
{
    static readonly string ThisBoot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <returns>Null when there is no such process, or only a dead one nobody has waited for.</returns>
    public static ProcessIdentity? Of(int pid)
    {
        try
        {
            // The name in parentheses may itself hold spaces and parentheses: the fields begin after the last one.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new(pid, ulong.Parse(fields[19], CultureInfo.InvariantCulture), ThisBoot);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <returns>Null when the file is missing or was cut short by a crash.</returns>
    public static ProcessIdentity? Read(string file)
    {
        if (!File.Exists(file)) return null;
        return File.ReadAllText(file).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries) is [var pid, var ticks, var boot]
            && int.TryParse(pid, CultureInfo.InvariantCulture, out int p) && ulong.TryParse(ticks, CultureInfo.InvariantCulture, out ulong t)
            ? new(p, t, boot) : null;
    }

    public void Write(string file)
    {
        string fresh = file + ".new";
        File.WriteAllText(fresh, string.Create(CultureInfo.InvariantCulture, $"{Pid} {StartTicks} {Boot}\n"));
        File.Move(fresh, file, overwrite: true);
    }

    public bool IsAlive => Boot == ThisBoot && Of(Pid) == this;

    /// <summary>Asks it to leave, and makes it leave when it has not after <paramref name="grace"/>.</summary>
    /// <returns>Whether it was alive.</returns>
    public async Task<bool> StopAsync(TimeSpan grace, TimeProvider time, CancellationToken ct)
    {
        if (!IsAlive) return false;
        Native.Kill(Pid, Native.SigTerm);
        if (!await IsGoneWithinAsync(grace, time, ct))
        {
            Native.Kill(Pid, Native.SigKill);
            await IsGoneWithinAsync(TimeSpan.FromSeconds(5), time, ct);
        }
        return true;
    }

    async Task<bool> IsGoneWithinAsync(TimeSpan limit, TimeProvider time, CancellationToken ct)
    {
        long began = time.GetTimestamp();
        while (IsAlive)
        {
            if (time.GetElapsedTime(began) > limit) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, ct);
        }
        return true;
    }
}
