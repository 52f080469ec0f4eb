using Hanbae.Api;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Tables;

/// <summary>The cells of kinds that nobody wrote a table for: name and creation, nothing in columns that are not these.</summary>
sealed class NameAndAge(ResourceInfo info) : ITable
{
    public void Write(IObject obj, IRow row)
    {
        foreach (var column in info.Columns)
            switch (column.Name)
            {
                case "Name": row.Text(obj.Metadata.Name); break;
                case "Age": row.Age(obj.Metadata.CreationTimestamp); break;
                case "Created At": row.Time(obj.Metadata.CreationTimestamp); break;
                default: row.Null(); break;
            }
        if (info.Columns.IsEmpty)
        {
            row.Text(obj.Metadata.Name);
            row.Time(obj.Metadata.CreationTimestamp);
        }
    }
}
